import { CancelReason, RefundCause, ShippedLine } from '@campus/contracts/events/orders'
import { At } from '@campus/contracts/fields'
import { FulfillmentId, RefundId, ReturnId } from '@campus/contracts/ids'
import { Money } from '@campus/contracts/money'
import { type Static, Type } from 'typebox'
import type { Order } from './order.ts'
import { amountOf, type Refund } from './progress.ts'
import type { Happening, Request, Saga, Step } from './saga-state.ts'

// The story of an order as its buyer is shown it. What the saga only does for itself (asking again,
// timers, answers that change nothing) is not part of it: staff finds that among the happenings.

const codes = [
  'order_placed',
  'payment_awaited',
  'payment_declined',
  'payment_authorized',
  'payment_captured',
  'order_confirmed',
  'course_opened',
  'course_refused',
  'order_shipped',
  'order_delivered',
  'refund_requested',
  'refund_failed',
  'order_refunded',
  'return_requested',
  'return_approved',
  'return_rejected',
  'return_received',
  'return_closed',
  'cancellation_started',
  'order_completed',
  'order_cancelled',
] as const

/** What an entry says; clients translate it. */
export const EntryCode = Type.Unsafe<(typeof codes)[number]>({ type: 'string', enum: [...codes] })

/** What an entry is about: never personal data, and only what its code needs. */
export const EntryData = Type.Object({
  amount: Type.Optional(Money),
  lines: Type.Optional(Type.Array(ShippedLine)),
  fulfillmentId: Type.Optional(FulfillmentId),
  trackingCode: Type.Optional(Type.String()),
  refundId: Type.Optional(RefundId),
  returnId: Type.Optional(ReturnId),
  cause: Type.Optional(RefundCause),
  cancelReason: Type.Optional(CancelReason),
  reason: Type.Optional(
    Type.String({ description: 'In the words of who gave it, or the code of another service' }),
  ),
  attemptsLeft: Type.Optional(Type.Integer()),
  payUntilAt: Type.Optional(At),
})

/** Something that happened to an order. */
export interface Entry {
  readonly code: Static<typeof EntryCode>
  readonly data: Static<typeof EntryData>
}

/** What a step of the saga adds to the story of `before`. */
export function entriesOf(
  before: Pick<Order, 'saga' | 'totals'>,
  happening: Happening,
  { saga, publish }: Extract<Step, { kind: 'stepped' }>,
): Entry[] {
  const { currency } = before.totals.total
  const isStopped = before.saga.state !== 'cancelling' && saga.state === 'cancelling'
  return [
    ...heard(happening, before.saga, currency),
    ...(isStopped ? [{ code: 'cancellation_started' as const, data: stopReason(saga) }] : []),
    ...publish.flatMap(request => told(request, before.saga, saga, before.totals.total)),
  ]
}

/** What others have said. */
function heard(happening: Happening, { refunds, ...saga }: Saga, currency: string): Entry[] {
  switch (happening.kind) {
    case 'payment_declined': {
      const { code: reason, attemptsLeft } = happening
      return [{ code: 'payment_declined', data: { reason, attemptsLeft } }]
    }
    case 'payment_authorized':
      return [{ code: 'payment_authorized', data: {} }]
    case 'payment_captured':
      return [{ code: 'payment_captured', data: { amount: { amount: saga.totalMinor, currency } } }]
    case 'enrollment_activated':
      return [{ code: 'course_opened', data: { lines: wholeLine(saga, happening) } }]
    case 'enrollment_rejected': {
      const { reason } = happening
      return [{ code: 'course_refused', data: { lines: wholeLine(saga, happening), reason } }]
    }
    case 'shipped': {
      const { fulfillmentId, trackingCode } = happening
      const lines = [...happening.lines]
      const data = { fulfillmentId, lines, ...(trackingCode && { trackingCode }) }
      return [{ code: 'order_shipped', data }]
    }
    case 'refund_failed': {
      const failed = refunds.find(({ id }) => id === happening.refundId)
      return failed === undefined
        ? []
        : [{ code: 'refund_failed', data: refundData(failed, currency) }]
    }
    case 'stock_reserved':
    case 'stock_rejected':
    case 'stock_committed':
    case 'stock_commit_rejected':
    case 'stock_released':
    case 'reservation_expired':
    case 'intent_created':
    case 'payment_voided':
    case 'capture_failed':
    case 'delivered':
    case 'refund':
    case 'refund_succeeded':
    case 'dispute_lost':
    case 'cancel':
    case 'timer':
      return []
  }
}

/** What the order says itself. */
function told(request: Request, before: Saga, saga: Saga, total: Money): Entry[] {
  const { currency } = total
  switch (request.kind) {
    case 'payment_requested': {
      const payUntilAt = saga.timerAt?.toISOString()
      const data = { amount: total, ...(payUntilAt !== undefined && { payUntilAt }) }
      return [{ code: 'payment_awaited', data }]
    }
    case 'order_delivered': {
      const { fulfillmentId, lines } = request
      return [{ code: 'order_delivered', data: { fulfillmentId, lines: [...lines] } }]
    }
    case 'refund_requested': {
      const { refund } = request
      // One that is asked for again is no news.
      return before.refunds.some(({ id }) => id === refund.id)
        ? []
        : [{ code: 'refund_requested', data: refundData(refund, currency) }]
    }
    case 'order_refunded':
      return [{ code: 'order_refunded', data: refundData(request.refund, currency) }]
    case 'return_closed': {
      const { returnId, refund } = request
      const amount = { amount: amountOf(refund), currency }
      return [{ code: 'return_closed', data: { returnId, amount } }]
    }
    case 'order_cancelled': {
      const amount = { amount: saga.refundedMinor, currency }
      return [{ code: 'order_cancelled', data: { ...stopReason(saga), amount } }]
    }
    case 'order_confirmed':
    case 'order_completed':
      return [{ code: request.kind, data: {} }]
    case 'order_shipped':
    case 'stock_commit_requested':
    case 'capture_requested':
    case 'stock_release_requested':
    case 'payment_void_requested':
    case 'order_stuck':
      return []
  }
}

function wholeLine({ lines }: Pick<Saga, 'lines'>, { lineNo }: { readonly lineNo: number }) {
  return lines.filter(line => line.lineNo === lineNo).map(({ quantity }) => ({ lineNo, quantity }))
}

function stopReason({ reason }: Saga): Entry['data'] {
  return reason === null ? {} : { cancelReason: reason }
}

function refundData(refund: Refund, currency: string): Entry['data'] {
  const { id: refundId, returnId, cause, lines } = refund
  const units = lines.filter(({ quantity }) => quantity > 0)
  return {
    refundId,
    ...(returnId !== null && { returnId }),
    cause,
    amount: { amount: amountOf(refund), currency },
    ...(units.length > 0 && {
      lines: units.map(({ lineNo, quantity }) => ({ lineNo, quantity })),
    }),
  }
}
