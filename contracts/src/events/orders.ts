import { type Static, Type } from 'typebox'
import { defineEvent } from '../envelope.ts'
import { At, By, Count, LineNo, Quantity, Seconds, Text, Zone } from '../fields.ts'
import {
  AnyId,
  asId,
  CartId,
  CourseId,
  FulfillmentId,
  OrderId,
  PaymentMethodId,
  PriceId,
  PromotionId,
  RefundId,
  ReturnId,
  UserId,
  VariantId,
} from '../ids.ts'
import { Money } from '../money.ts'
import { ProductKind } from './catalog.ts'

const orderId = asId<OrderId>('0193a1c0-0000-7000-8000-000000000021')
const cartId = asId<CartId>('0193a1c0-0000-7000-8000-000000000022')
const userId = asId<UserId>('0193a1c0-0000-7000-8000-000000000001')
const eur = (amount: number): Money => ({ amount, currency: 'EUR' })

/** One line of an order, frozen at placement. */
export const Line = Type.Object({
  lineNo: LineNo,
  variantId: VariantId,
  priceId: PriceId,
  kind: ProductKind,
  courseId: Type.Optional(CourseId),
  sellerId: Type.Optional(UserId),
  title: Type.Optional(Text),
  quantity: Quantity,
  unitPrice: Money,
  discount: Money,
  tax: Money,
  total: Money,
})
export type Line = Static<typeof Line>

/** Sums over the lines of an order; `total` is what the buyer pays. */
export const Totals = Type.Object({
  goods: Money,
  discount: Money,
  tax: Money,
  shipping: Money,
  total: Money,
})
export type Totals = Static<typeof Totals>

/** What a payment is for. */
export const Ref = Type.Object({
  type: Type.Union([Type.Literal('order'), Type.Literal('fine')]),
  id: AnyId,
})
export type Ref = Static<typeof Ref>

/** Why an order ended without goods. */
export const CancelReason = Type.Union([
  Type.Literal('out_of_stock'),
  Type.Literal('price_no_longer_valid'),
  Type.Literal('archived'),
  Type.Literal('cancelled_by_customer'),
  Type.Literal('reservation_timeout'),
  Type.Literal('payment_declined'),
  Type.Literal('payment_timeout'),
  Type.Literal('payment_lapsed'),
  Type.Literal('reservation_expired'),
  Type.Literal('commit_timeout'),
  Type.Literal('capture_failed'),
  Type.Literal('capture_timeout'),
])
export type CancelReason = Static<typeof CancelReason>

const line: Line = {
  lineNo: 1,
  variantId: asId<VariantId>('0193a1c0-0000-7000-8000-000000000012'),
  priceId: asId<PriceId>('0193a1c0-0000-7000-8000-000000000013'),
  kind: 'physical',
  title: 'Campus mug, blue',
  quantity: 2,
  unitPrice: eur(1_290),
  discount: eur(0),
  tax: eur(0),
  total: eur(2_580),
}
const totals: Totals = {
  goods: eur(2_580),
  discount: eur(0),
  tax: eur(0),
  shipping: eur(0),
  total: eur(2_580),
}
const ref = { type: 'order' as const, id: asId<AnyId>(orderId) }
const order = { aggregate: 'order', subject: 'orderId' } as const

export const orderPlaced = defineEvent({
  type: 'orders.order_placed.v1',
  ...order,
  schema: Type.Object({
    orderId: OrderId,
    cartId: CartId,
    userId: UserId,
    lines: Type.Array(Line, { minItems: 1, maxItems: 200 }),
    totals: Totals,
    holdSeconds: Seconds,
    zone: Type.Optional(Zone),
  }),
  example: { orderId, cartId, userId, lines: [line], totals, holdSeconds: 1_200 },
})

export const paymentRequested = defineEvent({
  type: 'orders.payment_requested.v1',
  ...order,
  schema: Type.Object({
    orderId: OrderId,
    ref: Ref,
    userId: UserId,
    amount: Money,
    expiresAt: At,
    paymentMethodId: Type.Optional(PaymentMethodId),
  }),
  example: { orderId, ref, userId, amount: eur(2_580), expiresAt: '2026-01-01T00:15:00.000Z' },
})

export const stockCommitRequested = defineEvent({
  type: 'orders.stock_commit_requested.v1',
  ...order,
  schema: Type.Object({ orderId: OrderId }),
  example: { orderId },
})

export const captureRequested = defineEvent({
  type: 'orders.capture_requested.v1',
  ...order,
  schema: Type.Object({ orderId: OrderId, ref: Ref, amount: Money }),
  example: { orderId, ref, amount: eur(2_580) },
})

export const stockReleaseRequested = defineEvent({
  type: 'orders.stock_release_requested.v1',
  ...order,
  schema: Type.Object({ orderId: OrderId, reason: CancelReason }),
  example: { orderId, reason: 'cancelled_by_customer' },
})

export const paymentVoidRequested = defineEvent({
  type: 'orders.payment_void_requested.v1',
  ...order,
  schema: Type.Object({ orderId: OrderId, ref: Ref, reason: CancelReason }),
  example: { orderId, ref, reason: 'payment_timeout' },
})

export const orderConfirmed = defineEvent({
  type: 'orders.order_confirmed.v1',
  ...order,
  schema: Type.Object({
    orderId: OrderId,
    userId: UserId,
    lines: Type.Array(Line, { minItems: 1, maxItems: 200 }),
    totals: Totals,
    confirmedAt: At,
  }),
  example: { orderId, userId, lines: [line], totals, confirmedAt: '2026-01-01T00:01:00.000Z' },
})

export const orderCompleted = defineEvent({
  type: 'orders.order_completed.v1',
  ...order,
  schema: Type.Object({ orderId: OrderId, userId: UserId, total: Money, refundedTotal: Money }),
  example: { orderId, userId, total: eur(2_580), refundedTotal: eur(0) },
})

export const orderCancelled = defineEvent({
  type: 'orders.order_cancelled.v1',
  minor: 1,
  ...order,
  schema: Type.Object({
    orderId: OrderId,
    userId: UserId,
    reason: CancelReason,
    by: By,
    refundedTotal: Money,
    /** What staff gave as its reason. Then `by` is staff, because the list of reasons is closed. */
    note: Type.Optional(Text),
  }),
  example: {
    orderId,
    userId,
    reason: 'payment_timeout',
    by: { type: 'timer', id: 'payment' },
    refundedTotal: eur(0),
  },
})

export const orderStuck = defineEvent({
  type: 'orders.order_stuck.v1',
  ...order,
  schema: Type.Object({ orderId: OrderId, state: Text, step: Text, sinceAt: At }),
  example: { orderId, state: 'capturing', step: 'capture', sinceAt: '2026-01-01T00:10:00.000Z' },
})

/** Units of one line that left the warehouse, or arrived. */
export const ShippedLine = Type.Object({ lineNo: LineNo, quantity: Quantity })
export type ShippedLine = Static<typeof ShippedLine>

const shipment = {
  orderId,
  fulfillmentId: asId<FulfillmentId>('0193a1c0-0000-7000-8000-000000000023'),
  lines: [{ lineNo: 1, quantity: 2 }],
}
const Shipment = Type.Object({
  orderId: OrderId,
  fulfillmentId: FulfillmentId,
  lines: Type.Array(ShippedLine, { minItems: 1, maxItems: 200 }),
})

export const orderShipped = defineEvent({
  type: 'orders.order_shipped.v1',
  ...order,
  schema: Shipment,
  example: shipment,
})

export const orderDelivered = defineEvent({
  type: 'orders.order_delivered.v1',
  ...order,
  schema: Shipment,
  example: shipment,
})

/** What is given back of one line; 0 units is a lower price for units that stay sold. */
export const RefundedLine = Type.Object({ lineNo: LineNo, quantity: Count, amount: Money })

const refundId = asId<RefundId>('0193a1c0-0000-7000-8000-000000000024')

export const refundRequested = defineEvent({
  type: 'orders.refund_requested.v1',
  ...order,
  schema: Type.Object({
    orderId: OrderId,
    ref: Ref,
    refundId: RefundId,
    returnId: Type.Optional(ReturnId),
    amount: Money,
    lines: Type.Array(RefundedLine, { minItems: 1, maxItems: 200 }),
    reason: Text,
  }),
  example: {
    orderId,
    ref,
    refundId,
    amount: eur(1_290),
    lines: [{ lineNo: 1, quantity: 1, amount: eur(1_290) }],
    reason: 'damaged in the warehouse',
  },
})

/** Why money of an order that stands was given back. */
export const RefundCause = Type.Union([
  Type.Literal('return'),
  Type.Literal('staff'),
  Type.Literal('rejected_line'),
  Type.Literal('dispute'),
])
export type RefundCause = Static<typeof RefundCause>

export const orderRefunded = defineEvent({
  type: 'orders.order_refunded.v1',
  ...order,
  schema: Type.Object({
    orderId: OrderId,
    userId: UserId,
    refundId: RefundId,
    amount: Money,
    lines: Type.Array(
      Type.Object({
        ...RefundedLine.properties,
        kind: ProductKind,
        courseId: Type.Optional(CourseId),
        /** Units of `quantity` that never left the warehouse and can be sold again; absent: none. */
        restockCount: Type.Optional(Count),
      }),
      { minItems: 1, maxItems: 200 },
    ),
    cause: RefundCause,
  }),
  example: {
    orderId,
    userId,
    refundId,
    amount: eur(1_290),
    lines: [{ lineNo: 1, quantity: 1, amount: eur(1_290), kind: 'physical', restockCount: 1 }],
    cause: 'staff',
  },
})

const returnedLine = { lineNo: 1, variantId: line.variantId, quantity: 1 }
const returned = {
  orderId,
  returnId: asId<ReturnId>('0193a1c0-0000-7000-8000-000000000025'),
  lines: [returnedLine],
}
const Return = Type.Object({
  orderId: OrderId,
  returnId: ReturnId,
  lines: Type.Array(
    Type.Object({
      lineNo: LineNo,
      variantId: VariantId,
      quantity: Quantity,
      restock: Type.Optional(Type.Boolean()),
    }),
    { minItems: 1, maxItems: 200 },
  ),
  refundAmount: Type.Optional(Money),
})

export const returnRequested = defineEvent({
  type: 'orders.return_requested.v1',
  ...order,
  schema: Return,
  example: returned,
})

export const returnApproved = defineEvent({
  type: 'orders.return_approved.v1',
  ...order,
  schema: Return,
  example: { ...returned, refundAmount: eur(1_290) },
})

export const returnRejected = defineEvent({
  type: 'orders.return_rejected.v1',
  ...order,
  schema: Return,
  example: returned,
})

export const returnReceived = defineEvent({
  type: 'orders.return_received.v1',
  ...order,
  schema: Return,
  example: { ...returned, lines: [{ ...returnedLine, restock: true }] },
})

export const returnClosed = defineEvent({
  type: 'orders.return_closed.v1',
  ...order,
  schema: Return,
  example: { ...returned, refundAmount: eur(1_290) },
})

export const CartStrategy = Type.Union([
  Type.Literal('sum'),
  Type.Literal('max'),
  Type.Literal('keepUser'),
  Type.Literal('keepGuest'),
])

export const cartClaimed = defineEvent({
  type: 'orders.cart_claimed.v1',
  aggregate: 'cart',
  subject: 'cartId',
  schema: Type.Object({ cartId: CartId, userId: UserId, strategy: CartStrategy }),
  example: { cartId, userId, strategy: 'sum' },
})

export const cartAbandoned = defineEvent({
  type: 'orders.cart_abandoned.v1',
  aggregate: 'cart',
  subject: 'cartId',
  schema: Type.Object({ cartId: CartId, userId: Type.Optional(UserId), lineCount: Count }),
  example: { cartId, lineCount: 3 },
})

/** The last use that a promotion has was taken; told again when one was given back and taken once more. */
export const promotionExhausted = defineEvent({
  type: 'orders.promotion_exhausted.v1',
  aggregate: 'promotion',
  subject: 'promotionId',
  schema: Type.Object({ promotionId: PromotionId, usedCount: Count }),
  example: {
    promotionId: asId<PromotionId>('0193a1c0-0000-7000-8000-000000000026'),
    usedCount: 100,
  },
})
