import type { CartId } from '@campus/contracts/ids'
import type { Tx } from '@campus/platform/data/postgres'
import { chassis, fail, refuseAll } from '@campus/platform/errors'
import { type CartKey, lockCart, saveCoupon } from './cart.store.ts'
import { type Cart, requireOpen } from './cart.ts'
import type { CartDeps } from './change-cart.command.ts'
import { priceCart } from './price-cart.command.ts'

interface CouponChange {
  readonly cartId: CartId
  readonly key: CartKey
  /** In capital letters. */
  readonly code: string
  /** @throws AppError when the caller has not seen this version */
  readonly requireSeen: (version: number) => void
}

/**
 * Puts a coupon into the cart, in place of the one that it has. It is not used before checkout, so it
 * may stop holding until then.
 *
 * @throws AppError `request.not_found`, `orders.cart_not_open`, and all reasons of `judge`
 */
export async function putCoupon(deps: CartDeps, change: CouponChange): Promise<Cart> {
  const { postgres, clock } = deps
  return postgres.transaction(async tx => {
    const now = clock.now()
    const cart = await lockOpen(tx, change)
    const { coupon } = await priceCart(tx, deps, { ...cart, coupon: change.code }, now)
    refuseAll(coupon?.reasons ?? [])
    return saveCoupon(tx, cart, change.code, now)
  })
}

/**
 * Takes a coupon out of the cart; one that is not in it is no error.
 *
 * @throws AppError `request.not_found`, `orders.cart_not_open`
 */
export async function removeCoupon(
  { postgres, clock }: CartDeps,
  change: CouponChange,
): Promise<Cart> {
  return postgres.transaction(async tx => {
    const cart = await lockOpen(tx, change)
    return cart.coupon === change.code ? saveCoupon(tx, cart, null, clock.now()) : cart
  })
}

async function lockOpen(tx: Tx, { cartId, key, requireSeen }: CouponChange): Promise<Cart> {
  const cart = await lockCart(tx, cartId, key)
  if (cart === undefined) return fail(chassis.notFound())
  requireSeen(cart.version)
  requireOpen(cart)
  return cart
}
