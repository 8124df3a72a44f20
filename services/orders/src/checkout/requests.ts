import type { NewEvent } from '@campus/contracts/envelope'
import {
  captureRequested,
  type Line,
  orderCancelled,
  orderConfirmed,
  orderStuck,
  paymentRequested,
  paymentVoidRequested,
  stockCommitRequested,
  stockReleaseRequested,
} from '@campus/contracts/events/orders'
import { type AnyId, asId } from '@campus/contracts/ids'
import { zero } from '@campus/contracts/money'
import type { Order } from './order.ts'
import type { Request } from './saga.ts'

const service = { type: 'service', id: 'orders' } as const

/** The event that a saga's request is. `lines` are needed for `order_confirmed` only. */
export function toEvent(
  request: Request,
  order: Order,
  lines: readonly Line[],
  now: Date,
): NewEvent {
  const { id: orderId, userId, totals, saga } = order
  const ref = { type: 'order' as const, id: asId<AnyId>(orderId) }
  const reason = saga.reason ?? 'cancelled_by_customer'
  switch (request) {
    case 'payment_requested':
      return paymentRequested.of({
        orderId,
        ref,
        userId,
        amount: totals.total,
        expiresAt: (saga.timerAt ?? now).toISOString(),
        ...(order.paymentMethodId !== null && { paymentMethodId: order.paymentMethodId }),
      })
    case 'stock_commit_requested':
      return stockCommitRequested.of({ orderId })
    case 'capture_requested':
      return captureRequested.of({ orderId, ref, amount: totals.total })
    case 'stock_release_requested':
      return stockReleaseRequested.of({ orderId, reason })
    case 'payment_void_requested':
      return paymentVoidRequested.of({ orderId, ref, reason })
    case 'order_confirmed':
      return orderConfirmed.of({
        orderId,
        userId,
        lines: [...lines],
        totals,
        confirmedAt: now.toISOString(),
      })
    case 'order_cancelled':
      return orderCancelled.of({
        orderId,
        userId,
        reason,
        by: saga.cancelledBy ?? service,
        refundedTotal: zero(totals.total.currency),
      })
    case 'order_stuck':
      return orderStuck.of({
        orderId,
        state: saga.state,
        step: saga.state,
        sinceAt: saga.askedAt.toISOString(),
      })
  }
}
