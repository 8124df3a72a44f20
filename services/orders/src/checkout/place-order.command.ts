import { orderPlaced } from '@campus/contracts/events/orders'
import type {
  AddressId,
  CartId,
  OrderId,
  PaymentMethodId,
  PromotionId,
  UserId,
} from '@campus/contracts/ids'
import type { Money } from '@campus/contracts/money'
import type { Clock } from '@campus/platform/clock'
import type { Postgres, Tx } from '@campus/platform/data/postgres'
import { chassis, fail } from '@campus/platform/errors'
import { emit } from '@campus/platform/events/outbox'
import { newId } from '@campus/platform/new-id'
import { currentFlow } from '@campus/platform/process/flow'
import type { Cart, PricedLine } from '../cart/cart.ts'
import { refuse } from '../errors.ts'
import type { Verdict } from '../promotions/coupon.ts'
import { insertOrder } from './order.store.ts'
import { decidePlacement, type Order, progressOf } from './order.ts'
import { placed } from './saga.ts'
import type { Timing } from './saga-state.ts'
import { addEntries } from './timeline.store.ts'

interface PricedCart {
  readonly cart: Cart
  readonly lines: readonly PricedLine[]
  readonly coupon: Verdict | null
}

/** What checkout needs of the carts. */
export interface Carts {
  /** The cart and then the promotion of its coupon, locked, with each line at the price of `now`. */
  lockPriced(
    tx: Tx,
    key: { readonly cartId: CartId; readonly userId: UserId; readonly now: Date },
  ): Promise<PricedCart | undefined>
  /** The cart has become an order. */
  close(tx: Tx, cart: Cart, now: Date): Promise<void>
}

/** Uses a promotion, which `lockPriced` has locked, for an order that was just placed. */
export type Redeem = (
  tx: Tx,
  use: {
    readonly promotionId: PromotionId
    readonly orderId: OrderId
    readonly userId: UserId
    readonly redeemedAt: Date
  },
) => Promise<void>

/** Whether an address is the buyer's and can be chosen. */
export type IsOwnAddress = (tx: Tx, userId: UserId, addressId: AddressId) => Promise<boolean>

interface Deps {
  readonly postgres: Postgres
  readonly clock: Clock
  readonly timing: Timing
  readonly holdSeconds: number
  readonly carts: Carts
  readonly isOwnAddress: IsOwnAddress
  readonly redeem: Redeem
}

export interface Placement {
  readonly cartId: CartId
  readonly userId: UserId
  /** What the buyer was shown and agreed to pay. */
  readonly expectedTotal: Money
  readonly addressId: AddressId | null
  readonly paymentMethodId: PaymentMethodId | null
  /** @throws AppError when the buyer has not seen this version of the cart */
  readonly requireSeen: (version: number) => void
}

/**
 * Turns the buyer's open cart into an order, at the prices of the moment, and asks for its stock.
 *
 * @throws AppError `request.not_found`, `orders.address_unknown`, and all reasons of `decidePlacement`
 */
export async function placeOrder(deps: Deps, placement: Placement): Promise<Order> {
  const { postgres, clock, timing, holdSeconds, carts, isOwnAddress, redeem } = deps
  return postgres.transaction(async tx => {
    const now = clock.now()
    const { cartId, userId, addressId } = placement
    const found = await carts.lockPriced(tx, { cartId, userId, now })
    if (found === undefined) return fail(chassis.notFound())
    placement.requireSeen(found.cart.version)
    const { cart, coupon } = found
    const { lines, totals } = decidePlacement(cart, found.lines, placement.expectedTotal, coupon)
    if (addressId !== null && !(await isOwnAddress(tx, userId, addressId))) {
      fail(refuse.address_unknown())
    }
    // A coupon that takes nothing off is not used.
    const used = totals.discount.amount > 0 ? coupon : null
    const id = newId<OrderId>()
    const order: Order = {
      id,
      cartId,
      userId,
      addressId,
      paymentMethodId: placement.paymentMethodId,
      coupon: used?.code ?? null,
      totals,
      placedAt: now,
      confirmedAt: null,
      updatedAt: now,
      version: 1,
      correlationId: currentFlow()?.correlationId ?? id,
      saga: placed({ totalMinor: totals.total.amount, lines: progressOf(lines) }, now, timing),
      happenings: [],
    }
    await carts.close(tx, cart, now)
    await insertOrder(tx, order, lines)
    if (used?.promotionId) {
      const { promotionId } = used
      await redeem(tx, { promotionId, orderId: id, userId, redeemedAt: now })
    }
    const data = { amount: totals.total }
    await addEntries(tx, [{ orderId: id, code: 'order_placed', data, at: now }])
    emit(tx, orderPlaced.of({ orderId: id, cartId, userId, lines, totals, holdSeconds }))
    return order
  })
}
