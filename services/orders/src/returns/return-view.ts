import { ShippedLine } from '@campus/contracts/events/orders'
import { At } from '@campus/contracts/fields'
import { OrderId, RefundId, ReturnId } from '@campus/contracts/ids'
import { Money } from '@campus/contracts/money'
import { type Static, Type } from 'typebox'
import { ReceivedLine, type Return, type ReturnState, returnStates } from './return.ts'

/** Where a return is. */
export const ReturnStateView = Type.Unsafe<ReturnState>({ type: 'string', enum: [...returnStates] })

/** A return as part of its order. */
export const ReturnSummary = Type.Object({
  id: ReturnId,
  state: ReturnStateView,
  requestedAt: At,
})

/** A return with everything about it. */
export const ReturnView = Type.Object({
  ...ReturnSummary.properties,
  orderId: OrderId,
  reason: Type.String({ description: 'In the words of the buyer' }),
  rejection: Type.Optional(Type.String({ description: 'In the words of staff' })),
  lines: Type.Array(ShippedLine),
  received: Type.Array(ReceivedLine),
  refundId: Type.Optional(RefundId),
  refundAmount: Type.Optional(Money),
  decidedAt: Type.Optional(At),
  receivedAt: Type.Optional(At),
  closedAt: Type.Optional(At),
})

/** Shows a return inside its order. */
export function returnSummaryOf({ id, state, requestedAt }: Return): Static<typeof ReturnSummary> {
  return { id, state, requestedAt: requestedAt.toISOString() }
}

/** Shows a return. */
export function returnViewOf(one: Return): Static<typeof ReturnView> {
  const { rejection, refundId, refundMinor, currency, decidedAt, receivedAt, closedAt } = one
  return {
    ...returnSummaryOf(one),
    orderId: one.orderId,
    reason: one.reason,
    ...(rejection !== null && { rejection }),
    lines: [...one.lines],
    received: [...one.received],
    ...(refundId !== null && { refundId }),
    ...(refundMinor !== null && { refundAmount: { amount: refundMinor, currency } }),
    ...(decidedAt !== null && { decidedAt: decidedAt.toISOString() }),
    ...(receivedAt !== null && { receivedAt: receivedAt.toISOString() }),
    ...(closedAt !== null && { closedAt: closedAt.toISOString() }),
  }
}
