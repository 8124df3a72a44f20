import type { CartId, UserId, VariantId } from '@campus/contracts/ids'
import type { Clock } from '@campus/platform/clock'
import type { Postgres, Tx } from '@campus/platform/data/postgres'
import { chassis, fail, refuseAll } from '@campus/platform/errors'
import type { Offers } from '../assortment/offer.ts'
import { refuse } from '../errors.ts'
import type { Coupon } from '../promotions/coupon.ts'
import { type CartKey, lockCart, saveLines } from './cart.store.ts'
import { type Cart, priced, requireOpen, totalOf, withQuantity } from './cart.ts'

export interface CartDeps {
  readonly postgres: Postgres
  readonly clock: Clock
  readonly offersOf: (tx: Tx, variantIds: readonly VariantId[], now: Date) => Promise<Offers>
  readonly isKnownVariant: (tx: Tx, variantId: VariantId) => Promise<boolean>
  /** What a buyer, null for a guest, gets by a code. */
  readonly couponOf: (tx: Tx, code: string, userId: UserId | null) => Promise<Coupon | undefined>
}

/**
 * Puts a variant into the cart `quantity` times; 0 takes it out.
 *
 * @throws AppError `request.not_found`, `orders.cart_not_open`, `orders.cart_full`,
 *   `orders.variant_unknown`, `orders.variant_unavailable`, `orders.currency_mixed`
 */
export async function changeCart(
  { postgres, clock, offersOf, isKnownVariant }: CartDeps,
  change: {
    readonly cartId: CartId
    readonly key: CartKey
    readonly variantId: VariantId
    readonly quantity: number
    /** @throws AppError when the caller has not seen this version */
    readonly requireSeen: (version: number) => void
  },
): Promise<Cart> {
  return postgres.transaction(async tx => {
    const now = clock.now()
    const cart = await lockCart(tx, change.cartId, change.key)
    if (cart === undefined) return fail(chassis.notFound())
    change.requireSeen(cart.version)
    requireOpen(cart)
    const lines = withQuantity(cart.lines, change.variantId, change.quantity)
    const offers = await offersOf(
      tx,
      lines.map(line => line.variantId),
      now,
    )
    if (change.quantity > 0 && !offers.has(change.variantId)) {
      const isKnown = await isKnownVariant(tx, change.variantId)
      refuseAll([isKnown ? refuse.variant_unavailable() : refuse.variant_unknown()])
    }
    totalOf(priced(lines, offers))
    return saveLines(tx, cart, lines, now)
  })
}
