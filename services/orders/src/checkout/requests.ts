import type { NewEvent } from '@campus/contracts/envelope'
import {
  captureRequested,
  type Line,
  orderCancelled,
  orderCompleted,
  orderConfirmed,
  orderDelivered,
  orderRefunded,
  orderShipped,
  orderStuck,
  paymentRequested,
  paymentVoidRequested,
  refundRequested,
  returnClosed,
  type ShippedLine,
  stockCommitRequested,
  stockReleaseRequested,
} from '@campus/contracts/events/orders'
import { type AnyId, asId } from '@campus/contracts/ids'
import type { Order } from './order.ts'
import { amountOf, type Refund, silentCourses } from './progress.ts'
import type { Request } from './saga-state.ts'

const service = { type: 'service', id: 'orders' } as const

/** Whether `toEvent` needs the lines of the order. */
export function needsLines({ kind }: Request): boolean {
  return kind === 'order_confirmed' || kind === 'return_closed'
}

/** The event that a saga's request is. */
export function toEvent(
  request: Request,
  order: Order,
  lines: readonly Line[],
  now: Date,
): NewEvent {
  const { id: orderId, userId, totals, saga } = order
  const ref = { type: 'order' as const, id: asId<AnyId>(orderId) }
  const reason = saga.reason ?? 'cancelled_by_customer'
  const money = (amount: number) => ({ amount, currency: totals.total.currency })
  switch (request.kind) {
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
        refundedTotal: money(saga.refundedMinor),
        ...(saga.note !== null && { note: saga.note }),
      })
    case 'order_stuck':
      return orderStuck.of({
        orderId,
        state: saga.state,
        step: waitedFor(saga),
        sinceAt: saga.askedAt.toISOString(),
      })
    case 'order_completed':
      return orderCompleted.of({
        orderId,
        userId,
        total: totals.total,
        refundedTotal: money(saga.refundedMinor),
      })
    case 'order_shipped':
    case 'order_delivered': {
      const { fulfillmentId } = request
      const shipment = { orderId, fulfillmentId, lines: [...request.lines] }
      return request.kind === 'order_shipped'
        ? orderShipped.of(shipment)
        : orderDelivered.of(shipment)
    }
    case 'refund_requested': {
      const { id: refundId, returnId, reason: why } = request.refund
      return refundRequested.of({
        orderId,
        ref,
        refundId,
        ...(returnId !== null && { returnId }),
        amount: money(amountOf(request.refund)),
        lines: request.refund.lines.map(({ lineNo, quantity, amountMinor }) => {
          return { lineNo, quantity, amount: money(amountMinor) }
        }),
        reason: why,
      })
    }
    case 'order_refunded':
      return refundedEvent(request.refund, order)
    case 'return_closed': {
      const { returnId, refund } = request
      return returnClosed.of({
        orderId,
        returnId,
        lines: withVariants(refund.lines, lines),
        refundAmount: money(amountOf(refund)),
      })
    }
  }
}

function refundedEvent(refund: Refund, { id: orderId, userId, totals, saga }: Order): NewEvent {
  const money = (amount: number) => ({ amount, currency: totals.total.currency })
  const known = new Map(saga.lines.map(line => [line.lineNo, line]))
  return orderRefunded.of({
    orderId,
    userId,
    refundId: refund.id,
    amount: money(amountOf(refund)),
    lines: refund.lines.map(({ lineNo, quantity, amountMinor, restockCount }) => {
      const { kind = 'physical', courseId = null } = known.get(lineNo) ?? {}
      return {
        lineNo,
        quantity,
        amount: money(amountMinor),
        kind,
        ...(courseId !== null && { courseId }),
        ...(restockCount > 0 && { restockCount }),
      }
    }),
    cause: refund.cause,
  })
}

/** Units of lines together with what they are units of, as returns are told. */
export function withVariants(units: readonly ShippedLine[], lines: readonly Line[]) {
  const variants = new Map(lines.map(({ lineNo, variantId }) => [lineNo, variantId]))
  return units.flatMap(({ lineNo, quantity }) => {
    const variantId = variants.get(lineNo)
    return variantId === undefined ? [] : [{ lineNo, variantId, quantity }]
  })
}

/** What a stuck order waits for. */
function waitedFor(saga: Order['saga']): string {
  if (saga.refunds.some(({ state }) => state !== 'succeeded')) return 'refund'
  if (saga.state !== 'confirmed') return saga.state
  return silentCourses(saga).length > 0 ? 'enrolment' : 'delivery'
}
