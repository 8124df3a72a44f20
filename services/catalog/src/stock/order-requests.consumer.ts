import {
  orderPlaced,
  orderRefunded,
  returnReceived,
  stockCommitRequested,
  stockReleaseRequested,
} from '@campus/contracts/events/orders'
import { type AnyId, asId } from '@campus/contracts/ids'
import { defineConsumer, on } from '@campus/platform/events/consumer'
import type { AskForStock } from './serve-orders.command.ts'

/** What orders ask of the stock, each answered by one event; and what refunds and returns bring back. */
export function stockConsumer(ask: AskForStock) {
  return defineConsumer({
    name: 'catalog.stock',
    kind: 'process',
    onBootstrap: 'replay',
    handlers: [
      on(orderPlaced, async ({ tx, event: { data }, now }) => {
        const { orderId, lines, holdSeconds } = data
        ask(tx, { kind: 'reserve', orderId, lines, holdSeconds }, now)
      }),
      on(stockCommitRequested, async ({ tx, event: { data }, now }) => {
        ask(tx, { kind: 'commit', orderId: data.orderId }, now)
      }),
      on(stockReleaseRequested, async ({ tx, event: { data }, now }) => {
        ask(tx, { kind: 'release', orderId: data.orderId }, now)
      }),
      on(orderRefunded, async ({ tx, event: { data }, now }) => {
        const { orderId, refundId, lines } = data
        const units = lines.flatMap(({ lineNo, restockCount: count = 0 }) =>
          count > 0 ? [{ lineNo, count }] : [],
        )
        const causeId = asId<AnyId>(refundId)
        if (units.length > 0) {
          ask(tx, { kind: 'restock', orderId, causeId, reason: 'cancellation', units }, now)
        }
      }),
      on(returnReceived, async ({ tx, event: { data }, now }) => {
        const { orderId, returnId, lines } = data
        const units = lines.flatMap(({ lineNo, quantity: count, restock: isSellable = false }) =>
          isSellable ? [{ lineNo, count }] : [],
        )
        const causeId = asId<AnyId>(returnId)
        if (units.length > 0) {
          ask(tx, { kind: 'restock', orderId, causeId, reason: 'return', units }, now)
        }
      }),
    ],
  })
}
