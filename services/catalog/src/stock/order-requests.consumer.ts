import {
  orderPlaced,
  orderRefunded,
  returnReceived,
  stockCommitRequested,
  stockReleaseRequested,
} from '@campus/contracts/events/orders'
import { type AnyId, asId } from '@campus/contracts/ids'
import { defineConsumer, on } from '@campus/platform/events/consumer'
import { commitStock } from './commit-stock.command.ts'
import { releaseStock } from './release-stock.command.ts'
import { type ReserveDeps, reserveStock } from './reserve-stock.command.ts'
import { restock } from './restock.command.ts'

/** What orders ask of the stock, each answered by one event; and what refunds and returns bring back. */
export function stockConsumer(deps: ReserveDeps) {
  return defineConsumer({
    name: 'catalog.stock',
    kind: 'process',
    onBootstrap: 'replay',
    // Orders of different partitions want the same variants.
    handlers: [
      on(orderPlaced, async ({ tx, event: { data }, now }) => {
        await reserveStock(tx, deps, data, now)
      }),
      on(stockCommitRequested, async ({ tx, event: { data }, now }) => {
        await commitStock(tx, data.orderId, now)
      }),
      on(stockReleaseRequested, async ({ tx, event: { data }, now }) => {
        await releaseStock(tx, data.orderId, now)
      }),
      on(orderRefunded, async ({ tx, event: { data }, now }) => {
        const { orderId, refundId, lines } = data
        const units = lines.flatMap(({ lineNo, restockCount: count = 0 }) =>
          count > 0 ? [{ lineNo, count }] : [],
        )
        const causeId = asId<AnyId>(refundId)
        await restock(tx, orderId, { causeId, reason: 'cancellation', units }, now)
      }),
      on(returnReceived, async ({ tx, event: { data }, now }) => {
        const { orderId, returnId, lines } = data
        const units = lines.flatMap(({ lineNo, quantity: count, restock: isSellable = false }) =>
          isSellable ? [{ lineNo, count }] : [],
        )
        const causeId = asId<AnyId>(returnId)
        await restock(tx, orderId, { causeId, reason: 'return', units }, now)
      }),
    ],
  })
}
