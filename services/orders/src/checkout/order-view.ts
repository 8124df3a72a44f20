import { CancelReason, Line, Totals } from '@campus/contracts/events/orders'
import { At, By } from '@campus/contracts/fields'
import { AddressId, CartId, IntentId, OrderId } from '@campus/contracts/ids'
import { Money } from '@campus/contracts/money'
import { type Static, Type } from 'typebox'
import { RefundView, refundViewOf } from '../refunds/refund-view.ts'
import type { Return } from '../returns/return.ts'
import { ReturnSummary, returnSummaryOf } from '../returns/return-view.ts'
import type { Order } from './order.ts'
import { type State, states } from './saga-state.ts'

/** Where an order is. */
export const OrderState = Type.Unsafe<State>({ type: 'string', enum: [...states] })

/** An order in a list. */
export const OrderSummary = Type.Object({
  id: OrderId,
  state: OrderState,
  totals: Totals,
  placedAt: At,
  reason: Type.Optional(CancelReason),
})

/** An order as its buyer sees it. */
export const OrderView = Type.Object({
  ...OrderSummary.properties,
  version: Type.Integer(),
  cartId: CartId,
  addressId: Type.Optional(AddressId),
  coupon: Type.Optional(Type.String({ description: 'The code that took something off' })),
  lines: Type.Array(
    Type.Object({
      ...Line.properties,
      shippedCount: Type.Integer(),
      deliveredCount: Type.Integer(),
    }),
  ),
  refunded: Money,
  refunds: Type.Array(RefundView),
  returns: Type.Array(ReturnSummary),
  cancelledBy: Type.Optional(By),
  confirmedAt: Type.Optional(At),
  payment: Type.Object({
    intentId: Type.Optional(IntentId),
    declineCode: Type.Optional(Type.String()),
    attemptsLeft: Type.Optional(Type.Integer()),
    payUntilAt: Type.Optional(At),
  }),
})
export type OrderView = Static<typeof OrderView>

/** Shows an order in a list. */
export function summaryOf({ id, saga, totals, placedAt }: Order): Static<typeof OrderSummary> {
  return {
    id,
    state: saga.state,
    totals,
    placedAt: placedAt.toISOString(),
    ...(saga.reason !== null && { reason: saga.reason }),
  }
}

/** Shows an order with its lines and what was given back of them. */
export function viewOf(
  order: Order,
  lines: readonly Line[],
  returns: readonly Return[],
): OrderView {
  const { saga } = order
  const { currency } = order.totals.total
  const progress = new Map(saga.lines.map(line => [line.lineNo, line]))
  const isPayable = saga.state === 'awaiting_payment' && saga.timerAt !== null
  return {
    ...summaryOf(order),
    version: order.version,
    cartId: order.cartId,
    ...(order.addressId !== null && { addressId: order.addressId }),
    ...(order.coupon !== null && { coupon: order.coupon }),
    lines: lines.map(line => {
      const known = progress.get(line.lineNo)
      const { shipped: shippedCount = 0, delivered: deliveredCount = 0 } = known ?? {}
      return { ...line, shippedCount, deliveredCount }
    }),
    refunded: { amount: saga.refundedMinor, currency },
    refunds: saga.refunds.map(refund => refundViewOf(refund, currency)),
    returns: returns.map(returnSummaryOf),
    ...(saga.cancelledBy !== null && { cancelledBy: saga.cancelledBy }),
    ...(order.confirmedAt !== null && { confirmedAt: order.confirmedAt.toISOString() }),
    payment: {
      ...(saga.intentId !== null && { intentId: saga.intentId }),
      ...(saga.declineCode !== null && { declineCode: saga.declineCode }),
      ...(saga.attemptsLeft !== null && { attemptsLeft: saga.attemptsLeft }),
      ...(isPayable && { payUntilAt: saga.timerAt.toISOString() }),
    },
  }
}
