import {
  reservationExpired,
  stockCommitRejected,
  stockCommitted,
  stockRejected,
  stockReleased,
  stockReserved,
} from '@campus/contracts/events/catalog'
import type { CancelReason } from '@campus/contracts/events/orders'
import { type Handler, on } from '@campus/platform/events/consumer'
import type { Tell } from './advance-order.command.ts'

/** What catalog answers about the stock of an order. */
export function stockOutcomeHandlers(tell: Tell): Handler[] {
  return [
    on(stockReserved, async ({ tx, event: { data }, now }) => {
      tell(tx, data.orderId, { kind: 'stock_reserved' }, now)
    }),
    on(stockRejected, async ({ tx, event: { data }, now }) => {
      const reason: CancelReason = data.refusals[0]?.code ?? 'out_of_stock'
      tell(tx, data.orderId, { kind: 'stock_rejected', reason }, now)
    }),
    on(stockCommitted, async ({ tx, event: { data }, now }) => {
      tell(tx, data.orderId, { kind: 'stock_committed' }, now)
    }),
    on(stockCommitRejected, async ({ tx, event: { data }, now }) => {
      tell(tx, data.orderId, { kind: 'stock_commit_rejected' }, now)
    }),
    on(stockReleased, async ({ tx, event: { data }, now }) => {
      tell(tx, data.orderId, { kind: 'stock_released' }, now)
    }),
    on(reservationExpired, async ({ tx, event: { data }, now }) => {
      tell(tx, data.orderId, { kind: 'reservation_expired' }, now)
    }),
  ]
}
