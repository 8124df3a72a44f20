import {
  asId,
  type CourseId,
  type FulfillmentId,
  type OrderId,
  type PriceId,
  type RefundId,
  type UserId,
  type VariantId,
} from '@campus/contracts/ids'
import type { Offer } from '../../../services/orders/src/assortment/offer.ts'
import { type Order, requireCancellable } from '../../../services/orders/src/checkout/order.ts'
import { restOf } from '../../../services/orders/src/checkout/progress.ts'
import type { Parcel } from '../../../services/orders/src/checkout/saga-state.ts'
import { requireShippable } from '../../../services/orders/src/fulfillments/fulfillment.ts'
import { decideRefund } from '../../../services/orders/src/refunds/refund.ts'
import type { Did } from './bus.ts'
import type { Catalog } from './catalog.ts'
import type { Orders } from './orders.ts'
import type { Payments } from './payments.ts'
import type { World } from './world.ts'

/** What the shop sells: two things that run out, a course that does not, and a course for nothing. */
const assortment: readonly Offer[] = [
  { ...offer(1, 'physical', 667) },
  { ...offer(2, 'physical', 1_290) },
  { ...offer(3, 'course', 999), sellerId: asId<UserId>(idOf(9)) },
  { ...offer(4, 'course', 0) },
]

/** Variants whose units are counted. */
export const counted: readonly VariantId[] = assortment
  .filter(({ kind }) => kind === 'physical')
  .map(({ variantId }) => variantId)

/** Cards of the provider's scenarios; the good one is the most usual. */
const tokens = [
  'tok_ok',
  'tok_ok',
  'tok_ok',
  'tok_declined',
  'tok_declined_final',
  'tok_3ds',
  'tok_timeout_then_success',
  'tok_late_webhook',
  'tok_double_webhook',
  'tok_reordered',
  'tok_capture_fails',
  'tok_refund_fails',
  'tok_chargeback',
] as const

/** Buyers and staff: everything they do is one step that may be refused. */
export interface People {
  buy(): Did
  pay(): Did
  challenge(isPassed: boolean): Did
  cancel(): Did
  ship(isWhole: boolean): Did
  deliver(): Did
  refund(): Did
  adjust(): Did
  archive(): Did
}

export interface Shop {
  readonly catalog: Catalog
  readonly orders: Orders
  readonly payments: Payments
  readonly answerChallenge: (intentId: Parameters<Payments['confirm']>[0], isPassed: boolean) => Did
}

/** People who act at random. */
export function createPeople(world: World, shop: Shop): People {
  const { random } = world
  const { catalog, orders, payments } = shop
  const offers = new Map(assortment.map(one => [one.variantId, one]))
  const parcels: (Parcel & { readonly orderId: OrderId })[] = []

  function anOrder(isWanted: (order: Order) => boolean = () => true): Order | undefined {
    const found = [...orders.orders.values()].filter(isWanted)
    return found.length === 0 ? undefined : random.pick(found)
  }

  function anIntent() {
    const found = [...payments.intents.keys()]
    return found.length === 0 ? undefined : random.pick(found)
  }

  return {
    buy() {
      const cart = assortment
        .filter(() => random.chance(0.4))
        .map(({ variantId, kind }) => {
          return { variantId, quantity: kind === 'course' ? 1 : 1 + random.below(3) }
        })
      if (cart.length === 0) return undefined
      return orders.place(world.newId<UserId>(), cart, offers)
    },
    pay() {
      const intentId = anIntent()
      return intentId && payments.confirm(intentId, random.pick(tokens))
    },
    challenge(isPassed) {
      const intentId = anIntent()
      return intentId && shop.answerChallenge(intentId, isPassed)
    },
    cancel() {
      const order = anOrder()
      return (
        order &&
        orders.tell(order.id, now => {
          requireCancellable(now)
          return { kind: 'cancel', by: { type: 'user', id: now.userId } }
        })
      )
    },
    ship(isWhole) {
      const order = anOrder(({ saga }) => saga.state === 'confirmed' && unshipped(saga).length > 0)
      if (order === undefined) return undefined
      const lines = unshipped(order.saga).map(({ lineNo, quantity }) => {
        return { lineNo, quantity: isWhole ? quantity : 1 + random.below(quantity) }
      })
      const fulfillmentId = world.newId<FulfillmentId>()
      return orders.tell(order.id, ({ saga }) => {
        requireShippable(saga, lines)
        parcels.push({ orderId: order.id, fulfillmentId, lines })
        return { kind: 'shipped', fulfillmentId, lines }
      })
    },
    deliver() {
      const [parcel] = parcels.splice(random.below(Math.max(1, parcels.length)), 1)
      if (parcel === undefined) return undefined
      const { orderId, ...arrived } = parcel
      return orders.tell(orderId, () => ({ kind: 'delivered', ...arrived }))
    },
    refund() {
      const order = anOrder(({ saga }) => saga.capturedMinor > 0)
      if (order === undefined) return undefined
      const line = random.pick(order.saga.lines)
      const rest = restOf(order.saga, line).amountMinor
      const amount = random.chance(0.5) ? rest : 1 + random.below(line.totalMinor + 1)
      const refundId = world.newId<RefundId>()
      const units = random.chance(0.5) ? { quantity: random.below(line.quantity + 1) } : {}
      return orders.tell(order.id, ({ saga, totals }) => {
        const { currency } = totals.total
        const wanted = { lineNo: line.lineNo, amount: { amount, currency } }
        const lines = decideRefund(saga, currency, [{ ...wanted, ...units }])
        const how = { returnId: null, cause: 'staff', reason: 'staff' } as const
        return { kind: 'refund', refundId, ...how, lines }
      })
    },
    adjust: () => catalog.adjust(random.pick(counted), random.below(5) - 2),
    archive() {
      const variantId = random.pick(counted)
      if (catalog.archived.has(variantId)) return undefined
      catalog.archived.add(variantId)
      return 'staff archives a variant'
    },
  }
}

function unshipped(saga: Order['saga']): { lineNo: number; quantity: number }[] {
  return saga.lines.flatMap(line => {
    const quantity = line.kind === 'physical' ? restOf(saga, line).unshipped : 0
    return quantity > 0 ? [{ lineNo: line.lineNo, quantity }] : []
  })
}

function offer(no: number, kind: Offer['kind'], minor: number): Offer {
  return {
    variantId: asId<VariantId>(idOf(no)),
    priceId: asId<PriceId>(idOf(no)),
    title: `Article ${no}`,
    kind,
    courseId: kind === 'course' ? asId<CourseId>(idOf(no)) : null,
    sellerId: null,
    unitPrice: { amount: minor, currency: 'EUR' },
  }
}

function idOf(no: number): string {
  return `0193a1c0-0000-7000-9000-${String(no).padStart(12, '0')}`
}
