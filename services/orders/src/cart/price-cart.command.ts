import type { Tx } from '@campus/platform/data/postgres'
import { judge, type Verdict } from '../promotions/coupon.ts'
import { type Cart, type PricedLine, priced } from './cart.ts'
import type { CartDeps } from './change-cart.command.ts'

/**
 * Each line of a cart at the price of `now`, and what its coupon does to them. A cart that is closed has
 * none: what it gave is part of the order.
 */
export async function priceCart(
  tx: Tx,
  { offersOf, couponOf }: Pick<CartDeps, 'offersOf' | 'couponOf'>,
  cart: Cart,
  now: Date,
): Promise<{ readonly lines: PricedLine[]; readonly coupon: Verdict | null }> {
  const ids = cart.lines.map(({ variantId }) => variantId)
  const lines = priced(cart.lines, await offersOf(tx, ids, now))
  const { coupon: code } = cart
  if (code === null || cart.state !== 'open') return { lines, coupon: null }
  return { lines, coupon: judge(code, await couponOf(tx, code, cart.userId), lines, now) }
}
