import { CartId } from '@campus/contracts/ids'
import { problems } from '@campus/platform/http/problem'
import type { App } from '@campus/platform/http/server'
import { Type } from 'typebox'
import { toCode } from '../promotions/promotion.ts'
import { CartView } from './cart-view.ts'
import type { CartDeps } from './change-cart.command.ts'
import { putCoupon, removeCoupon } from './change-coupon.command.ts'
import { createShow, keyOf, seenBy, TokenHeader } from './show-cart.routes.ts'

const tags = ['carts']
const CouponParams = Type.Object({
  cartId: CartId,
  code: Type.String({ pattern: '^[A-Za-z0-9_-]{1,64}$', description: 'Case does not matter' }),
})

/** Coupons in carts of guests and accounts. */
export function couponRoutes(deps: CartDeps) {
  const show = createShow(deps)

  return async (app: App): Promise<void> => {
    app.put(
      '/v1/carts/:cartId/coupons/:code',
      {
        config: { access: 'optional', rateLimit: { policy: 'coupon' } },
        schema: {
          tags,
          summary: 'Puts a coupon into the cart, in place of the one it has',
          description:
            'Refused with all reasons while it does not hold. One that stops holding later stays in ' +
            'the cart with `isApplied: false`, and the total is without it.',
          params: CouponParams,
          headers: TokenHeader,
          response: { 200: CartView, ...problems(400, 401, 404, 409, 412, 422, 429) },
        },
      },
      async (request, reply) => {
        const { cartId, code } = request.params
        const change = { cartId, code: toCode(code), key: keyOf(request) }
        return show(reply, await putCoupon(deps, { ...change, requireSeen: seenBy(request) }))
      },
    )

    app.delete(
      '/v1/carts/:cartId/coupons/:code',
      {
        config: { access: 'optional' },
        schema: {
          tags,
          summary: 'Takes a coupon out of the cart',
          params: CouponParams,
          headers: TokenHeader,
          response: { 200: CartView, ...problems(400, 401, 404, 409, 412) },
        },
      },
      async (request, reply) => {
        const { cartId, code } = request.params
        const change = { cartId, code: toCode(code), key: keyOf(request) }
        return show(reply, await removeCoupon(deps, { ...change, requireSeen: seenBy(request) }))
      },
    )
  }
}
