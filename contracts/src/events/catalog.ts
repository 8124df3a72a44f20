import { Type } from 'typebox'
import { defineEvent } from '../envelope.ts'
import { At, By, Count, LineNo, Quantity, Text } from '../fields.ts'
import {
  asId,
  CourseId,
  MovementId,
  OrderId,
  PriceId,
  ProductId,
  ReservationId,
  UserId,
  VariantId,
} from '../ids.ts'
import { Money } from '../money.ts'

const productId = asId<ProductId>('0193a1c0-0000-7000-8000-000000000011')
const variantId = asId<VariantId>('0193a1c0-0000-7000-8000-000000000012')
const priceId = asId<PriceId>('0193a1c0-0000-7000-8000-000000000013')
const orderId = asId<OrderId>('0193a1c0-0000-7000-8000-000000000021')
const reservationId = asId<ReservationId>('0193a1c0-0000-7000-8000-000000000014')
const movementId = asId<MovementId>('0193a1c0-0000-7000-8000-000000000015')

/** What a product is: something with stock, or access to a course. */
export const ProductKind = Type.Union([Type.Literal('physical'), Type.Literal('course')])

export const productCreated = defineEvent({
  type: 'catalog.product_created.v1',
  aggregate: 'product',
  subject: 'productId',
  schema: Type.Object({
    productId: ProductId,
    kind: ProductKind,
    sellerId: Type.Optional(UserId),
    title: Text,
  }),
  example: { productId, kind: 'physical', title: 'Campus mug' },
})

export const productUpdated = defineEvent({
  type: 'catalog.product_updated.v1',
  aggregate: 'product',
  subject: 'productId',
  schema: Type.Object({ productId: ProductId, changed: Type.Array(Text, { maxItems: 200 }) }),
  example: { productId, changed: ['title'] },
})

export const productPublished = defineEvent({
  type: 'catalog.product_published.v1',
  aggregate: 'product',
  subject: 'productId',
  schema: Type.Object({ productId: ProductId }),
  example: { productId },
})

export const productArchived = defineEvent({
  type: 'catalog.product_archived.v1',
  aggregate: 'product',
  subject: 'productId',
  schema: Type.Object({ productId: ProductId, by: By }),
  example: { productId, by: { type: 'user', id: '0193a1c0-0000-7000-8000-000000000001' } },
})

export const variantSaved = defineEvent({
  type: 'catalog.variant_saved.v1',
  aggregate: 'product',
  subject: 'productId',
  schema: Type.Object({
    productId: ProductId,
    variantId: VariantId,
    sku: Text,
    label: Text,
    kind: ProductKind,
    courseId: Type.Optional(CourseId),
    sellerId: Type.Optional(UserId),
    tracked: Type.Boolean(),
  }),
  example: {
    productId,
    variantId,
    sku: 'MUG-BLUE',
    label: 'Campus mug, blue',
    kind: 'physical',
    tracked: true,
  },
})

export const priceChanged = defineEvent({
  type: 'catalog.price_changed.v1',
  aggregate: 'product',
  subject: 'productId',
  schema: Type.Object({
    productId: ProductId,
    variantId: VariantId,
    priceId: PriceId,
    old: Type.Optional(Money),
    new: Money,
    validFromAt: At,
    validToAt: Type.Optional(At),
  }),
  example: {
    productId,
    variantId,
    priceId,
    new: { amount: 1_290, currency: 'EUR' },
    validFromAt: '2026-01-01T00:00:00.000Z',
  },
})

export const stockReserved = defineEvent({
  type: 'catalog.stock_reserved.v1',
  aggregate: 'reservation',
  subject: 'orderId',
  schema: Type.Object({
    orderId: OrderId,
    reservationId: ReservationId,
    lines: Type.Array(Type.Object({ lineNo: LineNo, variantId: VariantId, quantity: Quantity }), {
      maxItems: 200,
    }),
    expiresAt: At,
  }),
  example: {
    orderId,
    reservationId,
    lines: [{ lineNo: 1, variantId, quantity: 2 }],
    expiresAt: '2026-01-01T00:20:00.000Z',
  },
})

const Shortage = Type.Object({
  variantId: VariantId,
  requestedCount: Count,
  availableCount: Count,
})

/** Why a line cannot be reserved although there may be stock. */
export const LineRefusal = Type.Object({
  variantId: VariantId,
  code: Type.Union([Type.Literal('archived'), Type.Literal('price_no_longer_valid')]),
})

export const stockRejected = defineEvent({
  type: 'catalog.stock_rejected.v1',
  aggregate: 'reservation',
  subject: 'orderId',
  schema: Type.Object({
    orderId: OrderId,
    shortages: Type.Array(Shortage, { maxItems: 200 }),
    refusals: Type.Array(LineRefusal, { maxItems: 200 }),
  }),
  example: {
    orderId,
    shortages: [{ variantId, requestedCount: 2, availableCount: 1 }],
    refusals: [],
  },
})

export const stockCommitted = defineEvent({
  type: 'catalog.stock_committed.v1',
  aggregate: 'reservation',
  subject: 'orderId',
  schema: Type.Object({ orderId: OrderId, reservationId: ReservationId }),
  example: { orderId, reservationId },
})

export const stockCommitRejected = defineEvent({
  type: 'catalog.stock_commit_rejected.v1',
  aggregate: 'reservation',
  subject: 'orderId',
  schema: Type.Object({ orderId: OrderId, shortages: Type.Array(Shortage, { maxItems: 200 }) }),
  example: { orderId, shortages: [{ variantId, requestedCount: 2, availableCount: 0 }] },
})

export const stockReleased = defineEvent({
  type: 'catalog.stock_released.v1',
  aggregate: 'reservation',
  subject: 'orderId',
  schema: Type.Object({
    orderId: OrderId,
    reservationId: Type.Optional(ReservationId),
    outcome: Type.Union([
      Type.Literal('nothing'),
      Type.Literal('released'),
      Type.Literal('returned'),
    ]),
  }),
  example: { orderId, reservationId, outcome: 'released' },
})

export const reservationExpired = defineEvent({
  type: 'catalog.reservation_expired.v1',
  aggregate: 'reservation',
  subject: 'orderId',
  schema: Type.Object({ orderId: OrderId, reservationId: ReservationId }),
  example: { orderId, reservationId },
})

export const StockReason = Type.Union([
  Type.Literal('count'),
  Type.Literal('damage'),
  Type.Literal('delivery'),
  Type.Literal('sale'),
  Type.Literal('cancellation'),
  Type.Literal('return'),
])

export const stockAdjusted = defineEvent({
  type: 'catalog.stock_adjusted.v1',
  aggregate: 'stock',
  subject: 'variantId',
  schema: Type.Object({
    variantId: VariantId,
    movementId: MovementId,
    delta: Type.Integer(),
    onHandCount: Count,
    reason: StockReason,
  }),
  example: { variantId, movementId, delta: 10, onHandCount: 10, reason: 'delivery' },
})

/** Fewer units are left than somebody wants to have. */
export const lowStockReached = defineEvent({
  type: 'catalog.low_stock_reached.v1',
  aggregate: 'stock',
  subject: 'variantId',
  schema: Type.Object({ variantId: VariantId, availableCount: Count, thresholdCount: Count }),
  example: { variantId, availableCount: 4, thresholdCount: 5 },
})

/** The last unit is sold or held. */
export const stockDepleted = defineEvent({
  type: 'catalog.stock_depleted.v1',
  aggregate: 'stock',
  subject: 'variantId',
  schema: Type.Object({ variantId: VariantId, availableCount: Count }),
  example: { variantId, availableCount: 0 },
})

/** There are units again. */
export const stockReplenished = defineEvent({
  type: 'catalog.stock_replenished.v1',
  aggregate: 'stock',
  subject: 'variantId',
  schema: Type.Object({ variantId: VariantId, availableCount: Count }),
  example: { variantId, availableCount: 10 },
})
