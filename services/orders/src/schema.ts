import type { CancelReason, ShippedLine } from '@campus/contracts/events/orders'
import type { By } from '@campus/contracts/fields'
import type {
  AddressId,
  CartId,
  CourseId,
  FulfillmentId,
  IntentId,
  OrderId,
  PaymentMethodId,
  PriceId,
  ProductId,
  PromotionId,
  RefundId,
  ReturnId,
  UserId,
  VariantId,
} from '@campus/contracts/ids'
import {
  bigint,
  boolean,
  integer,
  jsonb,
  pgTable,
  primaryKey,
  text,
  timestamp,
  uuid,
} from 'drizzle-orm/pg-core'
import type { Noted } from './checkout/noted.ts'
import type { LineProgress, Refund } from './checkout/progress.ts'
import type { LostDispute, State } from './checkout/saga-state.ts'
import type { Entry } from './checkout/timeline.ts'
import type { Action, Conditions } from './promotions/promotion.ts'
import type { ReceivedLine, ReturnState } from './returns/return.ts'

/** JSON has no dates. */
export type RefundRow = Omit<Refund, 'askedAt'> & { readonly askedAt: string }
/** Replicas of before the column's last change leave `deliveredAt` out. */
export type LineRow = Omit<LineProgress, 'deliveredAt'> & { readonly deliveredAt?: string | null }
export type NotedRow = Omit<Noted, 'at'> & { readonly at: string }

const moment = (name: string) => timestamp(name, { withTimezone: true })
/** Minor units of the row's currency. */
const minor = (name: string) => bigint(name, { mode: 'number' }).notNull()

export const product = pgTable('product', {
  productId: uuid('product_id').$type<ProductId>().primaryKey(),
  isPublished: boolean('is_published').notNull(),
  sourceVersion: integer('source_version').notNull(),
})

export const variant = pgTable('variant', {
  variantId: uuid('variant_id').$type<VariantId>().primaryKey(),
  productId: uuid('product_id').$type<ProductId>().notNull(),
  sku: text('sku').notNull(),
  label: text('label').notNull(),
  kind: text('kind').$type<'physical' | 'course'>().notNull(),
  courseId: uuid('course_id').$type<CourseId>(),
  sellerId: uuid('seller_id').$type<UserId>(),
  sourceVersion: integer('source_version').notNull(),
})

export const price = pgTable('price', {
  priceId: uuid('price_id').$type<PriceId>().primaryKey(),
  variantId: uuid('variant_id').$type<VariantId>().notNull(),
  amount: minor('amount'),
  currency: text('currency').notNull(),
  validFrom: moment('valid_from').notNull(),
  validTo: moment('valid_to'),
  sourceVersion: integer('source_version').notNull(),
})

export const knownAddress = pgTable('known_address', {
  addressId: uuid('address_id').$type<AddressId>().primaryKey(),
  userId: uuid('user_id').$type<UserId>().notNull(),
  isRemoved: boolean('is_removed').notNull(),
})

export const cart = pgTable('cart', {
  id: uuid('id').$type<CartId>().primaryKey(),
  userId: uuid('user_id').$type<UserId>(),
  tokenHash: text('token_hash'),
  state: text('state').$type<'open' | 'checked_out' | 'merged' | 'abandoned'>().notNull(),
  version: integer('version').notNull(),
  coupon: text('coupon'),
  createdAt: moment('created_at').notNull(),
  updatedAt: moment('updated_at').notNull(),
})

export const cartLine = pgTable(
  'cart_line',
  {
    cartId: uuid('cart_id').$type<CartId>().notNull(),
    variantId: uuid('variant_id').$type<VariantId>().notNull(),
    quantity: integer('quantity').notNull(),
    position: integer('position').notNull(),
  },
  table => [primaryKey({ columns: [table.cartId, table.variantId] })],
)

export const orders = pgTable('orders', {
  id: uuid('id').$type<OrderId>().primaryKey(),
  cartId: uuid('cart_id').$type<CartId>().notNull(),
  userId: uuid('user_id').$type<UserId>().notNull(),
  addressId: uuid('address_id').$type<AddressId>(),
  paymentMethodId: uuid('payment_method_id').$type<PaymentMethodId>(),
  coupon: text('coupon'),
  state: text('state').$type<State>().notNull(),
  reason: text('reason').$type<CancelReason>(),
  cancelledBy: jsonb('cancelled_by').$type<By>(),
  stockDone: boolean('stock_done').notNull(),
  moneyDone: boolean('money_done').notNull(),
  intentId: uuid('intent_id').$type<IntentId>(),
  declineCode: text('decline_code'),
  attemptsLeft: integer('attempts_left'),
  timerAt: moment('timer_at'),
  askedAt: moment('asked_at').notNull(),
  currency: text('currency').notNull(),
  goods: minor('goods'),
  discount: minor('discount'),
  tax: minor('tax'),
  shipping: minor('shipping'),
  total: minor('total'),
  version: integer('version').notNull(),
  placedAt: moment('placed_at').notNull(),
  confirmedAt: moment('confirmed_at'),
  updatedAt: moment('updated_at').notNull(),
  correlationId: text('correlation_id').notNull(),
  progress: jsonb('progress').$type<LineRow[]>().notNull(),
  refunds: jsonb('refunds').$type<RefundRow[]>().notNull(),
  captured: minor('captured'),
  refunded: minor('refunded'),
  refundAsked: minor('refund_asked'),
  lostDispute: jsonb('lost_dispute').$type<LostDispute>(),
  note: text('note'),
  stuckAt: moment('stuck_at'),
  happenings: jsonb('happenings').$type<NotedRow[]>().notNull(),
})

export const fulfillment = pgTable('fulfillment', {
  id: uuid('id').$type<FulfillmentId>().primaryKey(),
  orderId: uuid('order_id').$type<OrderId>().notNull(),
  lines: jsonb('lines').$type<ShippedLine[]>().notNull(),
  trackingCode: text('tracking_code'),
  shippedAt: moment('shipped_at').notNull(),
  deliveredAt: moment('delivered_at'),
})

export const orderLine = pgTable(
  'order_line',
  {
    orderId: uuid('order_id').$type<OrderId>().notNull(),
    lineNo: integer('line_no').notNull(),
    variantId: uuid('variant_id').$type<VariantId>().notNull(),
    priceId: uuid('price_id').$type<PriceId>().notNull(),
    kind: text('kind').$type<'physical' | 'course'>().notNull(),
    courseId: uuid('course_id').$type<CourseId>(),
    sellerId: uuid('seller_id').$type<UserId>(),
    title: text('title').notNull(),
    quantity: integer('quantity').notNull(),
    unitPrice: minor('unit_price'),
    discount: minor('discount'),
    tax: minor('tax'),
    total: minor('total'),
  },
  table => [primaryKey({ columns: [table.orderId, table.lineNo] })],
)

export const orderReturn = pgTable('order_return', {
  id: uuid('id').$type<ReturnId>().primaryKey(),
  orderId: uuid('order_id').$type<OrderId>().notNull(),
  state: text('state').$type<ReturnState>().notNull(),
  reason: text('reason').notNull(),
  rejection: text('rejection'),
  lines: jsonb('lines').$type<ShippedLine[]>().notNull(),
  received: jsonb('received').$type<ReceivedLine[]>().notNull(),
  refundId: uuid('refund_id').$type<RefundId>(),
  refundMinor: bigint('refund_amount', { mode: 'number' }),
  requestedAt: moment('requested_at').notNull(),
  decidedAt: moment('decided_at'),
  receivedAt: moment('received_at'),
  closedAt: moment('closed_at'),
})

export const timelineEntry = pgTable('timeline_entry', {
  id: bigint('id', { mode: 'number' }).generatedAlwaysAsIdentity().primaryKey(),
  orderId: uuid('order_id').$type<OrderId>().notNull(),
  code: text('code').$type<Entry['code']>().notNull(),
  at: moment('at').notNull(),
  data: jsonb('data').$type<Entry['data']>().notNull(),
})

export const promotion = pgTable('promotion', {
  id: uuid('id').$type<PromotionId>().primaryKey(),
  code: text('code').notNull(),
  name: text('name').notNull(),
  action: jsonb('action').$type<Action>().notNull(),
  conditions: jsonb('conditions').$type<Conditions>().notNull(),
  usageLimit: integer('usage_limit'),
  perCustomer: integer('per_customer'),
  usedCount: integer('used_count').notNull(),
  startsAt: moment('starts_at'),
  endsAt: moment('ends_at'),
  version: integer('version').notNull(),
  createdAt: moment('created_at').notNull(),
  updatedAt: moment('updated_at').notNull(),
})

export const redemption = pgTable('redemption', {
  orderId: uuid('order_id').$type<OrderId>().primaryKey(),
  promotionId: uuid('promotion_id').$type<PromotionId>().notNull(),
  userId: uuid('user_id').$type<UserId>().notNull(),
  redeemedAt: moment('redeemed_at').notNull(),
  returnedAt: moment('returned_at'),
})
