import { cartClaimed } from '@campus/contracts/events/orders'
import type { CartId, UserId } from '@campus/contracts/ids'
import type { Clock } from '@campus/platform/clock'
import type { Postgres } from '@campus/platform/data/postgres'
import { chassis, fail, refuseAll } from '@campus/platform/errors'
import { emit } from '@campus/platform/events/outbox'
import { refuse } from '../errors.ts'
import { closeCart, giveCart, lockCart, lockOpenCartOf, saveLines } from './cart.store.ts'
import { type Cart, merged, requireOpen, type Strategy } from './cart.ts'

/**
 * Gives a guest's cart to an account. When the account has an open cart, the two become one by
 * `strategy` and the account keeps its own; otherwise it gets the guest's. So it is with the coupons.
 *
 * @returns the account's open cart
 * @throws AppError `request.not_found`, `orders.cart_not_open`, `orders.cart_not_claimable`
 */
export async function claimCart(
  { postgres, clock }: { readonly postgres: Postgres; readonly clock: Clock },
  claim: {
    readonly cartId: CartId
    readonly userId: UserId
    readonly tokenHash: string | null
    readonly strategy: Strategy
  },
): Promise<Cart> {
  const { cartId, userId, tokenHash, strategy } = claim
  return postgres.transaction(async tx => {
    const now = clock.now()
    const guest = await lockCart(tx, cartId, { userId, tokenHash })
    if (guest === undefined) return fail(chassis.notFound())
    requireOpen(guest)
    refuseAll(guest.userId === null ? [] : [refuse.cart_not_claimable()])
    const own = await lockOpenCartOf(tx, userId)
    if (own === undefined) await giveCart(tx, guest, userId, now)
    else await closeCart(tx, guest, 'merged', now)
    emit(tx, cartClaimed.of({ cartId, userId, strategy }))
    if (own === undefined) return { ...guest, userId, version: guest.version + 1 }
    const joined = { ...own, coupon: own.coupon ?? guest.coupon }
    return saveLines(tx, joined, merged(own.lines, guest.lines, strategy), now)
  })
}
