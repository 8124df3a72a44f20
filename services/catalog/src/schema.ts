import type {
  AnyId,
  CategoryId,
  CourseId,
  MovementId,
  OrderId,
  PriceId,
  ProductId,
  ReservationId,
  UserId,
  VariantId,
} from '@campus/contracts/ids'
import {
  bigint,
  boolean,
  doublePrecision,
  integer,
  jsonb,
  pgTable,
  primaryKey,
  text,
  timestamp,
  uuid,
} from 'drizzle-orm/pg-core'
import type { Attributes, ProductState } from './products/product.ts'
import type { MovementReason } from './stock/movement.ts'
import type { Rejection, ReservationState } from './stock/reservation.ts'

const moment = (name: string) => timestamp(name, { withTimezone: true })

export const category = pgTable('category', {
  id: uuid('id').$type<CategoryId>().primaryKey(),
  parentId: uuid('parent_id').$type<CategoryId>(),
  name: text('name').notNull(),
  slug: text('slug').notNull(),
  position: integer('position').notNull(),
  version: integer('version').notNull(),
})

export const product = pgTable('product', {
  id: uuid('id').$type<ProductId>().primaryKey(),
  slug: text('slug').notNull(),
  title: text('title').notNull(),
  description: text('description').notNull(),
  kind: text('kind').$type<'physical' | 'course'>().notNull(),
  categoryId: uuid('category_id').$type<CategoryId>(),
  sellerId: uuid('seller_id').$type<UserId>(),
  state: text('state').$type<ProductState>().notNull(),
  attributes: jsonb('attributes').$type<Attributes>().notNull(),
  version: integer('version').notNull(),
  pricesChangeAt: moment('prices_change_at'),
  popularity: doublePrecision('popularity').notNull().default(0),
  createdAt: moment('created_at').notNull(),
  updatedAt: moment('updated_at').notNull(),
})

export const listing = pgTable('listing', {
  productId: uuid('product_id').$type<ProductId>().primaryKey(),
  slug: text('slug').notNull(),
  title: text('title').notNull(),
  kind: text('kind').$type<'physical' | 'course'>().notNull(),
  categoryId: uuid('category_id').$type<CategoryId>(),
  attributes: jsonb('attributes').$type<Attributes>().notNull(),
  amount: bigint('amount', { mode: 'number' }).notNull(),
  currency: text('currency').notNull(),
  inStock: boolean('in_stock').notNull(),
  popularity: doublePrecision('popularity').notNull(),
})

export const variant = pgTable('variant', {
  id: uuid('id').$type<VariantId>().primaryKey(),
  productId: uuid('product_id').$type<ProductId>().notNull(),
  sku: text('sku').notNull(),
  label: text('label').notNull(),
  tracked: boolean('tracked').notNull(),
  courseId: uuid('course_id').$type<CourseId>(),
  position: integer('position').notNull(),
})

export const price = pgTable('price', {
  id: uuid('id').$type<PriceId>().primaryKey(),
  variantId: uuid('variant_id').$type<VariantId>().notNull(),
  amount: bigint('amount', { mode: 'number' }).notNull(),
  currency: text('currency').notNull(),
  validFrom: moment('valid_from').notNull(),
  validTo: moment('valid_to'),
})

export const stock = pgTable('stock', {
  variantId: uuid('variant_id').$type<VariantId>().primaryKey(),
  onHand: integer('on_hand').notNull(),
  reserved: integer('reserved').notNull(),
  lowAt: integer('low_at'),
})

export const movement = pgTable('movement', {
  id: uuid('id').$type<MovementId>().primaryKey(),
  variantId: uuid('variant_id').$type<VariantId>().notNull(),
  delta: integer('delta').notNull(),
  onHandAfter: integer('on_hand_after').notNull(),
  reason: text('reason').$type<MovementReason>().notNull(),
  orderId: uuid('order_id').$type<OrderId>(),
  actor: text('actor').notNull(),
  causeId: uuid('cause_id').$type<AnyId>(),
  at: moment('at').notNull(),
})

export const reservation = pgTable('reservation', {
  id: uuid('id').$type<ReservationId>().primaryKey(),
  orderId: uuid('order_id').$type<OrderId>().notNull(),
  state: text('state').$type<ReservationState>().notNull(),
  expiresAt: moment('expires_at').notNull(),
  rejection: jsonb('rejection').$type<Rejection>(),
  updatedAt: moment('updated_at').notNull(),
})

export const reservationLine = pgTable(
  'reservation_line',
  {
    reservationId: uuid('reservation_id').$type<ReservationId>().notNull(),
    lineNo: integer('line_no').notNull(),
    variantId: uuid('variant_id').$type<VariantId>().notNull(),
    quantity: integer('quantity').notNull(),
    tracked: boolean('tracked').notNull(),
    restocked: integer('restocked').notNull(),
  },
  table => [primaryKey({ columns: [table.reservationId, table.lineNo] })],
)
