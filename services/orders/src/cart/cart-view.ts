import { CartId, PriceId, VariantId } from '@campus/contracts/ids'
import { Money } from '@campus/contracts/money'
import { type Static, Type } from 'typebox'
import type { Verdict } from '../promotions/coupon.ts'
import type { Cart } from './cart.ts'
import type { Quote } from './quote.ts'

const CartLineView = Type.Object({
  variantId: VariantId,
  quantity: Type.Integer(),
  isAvailable: Type.Boolean({ description: 'False while the variant is not for sale.' }),
  title: Type.Optional(Type.String()),
  priceId: Type.Optional(PriceId),
  unitPrice: Type.Optional(Money),
  discount: Type.Optional(Money),
  total: Type.Optional(Money),
})

const CouponView = Type.Object({
  code: Type.String(),
  isApplied: Type.Boolean({ description: 'False while something is against it: see reasons.' }),
  reasons: Type.Optional(
    Type.Array(
      Type.Object({
        code: Type.String(),
        message: Type.String(),
        details: Type.Optional(Type.Record(Type.String(), Type.Unknown())),
      }),
    ),
  ),
})

/** A cart at the prices of the moment; `total` is `goods` less `discount`, which checkout expects. */
export const CartView = Type.Object({
  id: CartId,
  state: Type.Union([
    Type.Literal('open'),
    Type.Literal('checked_out'),
    Type.Literal('merged'),
    Type.Literal('abandoned'),
  ]),
  version: Type.Integer(),
  lines: Type.Array(CartLineView),
  coupon: Type.Optional(CouponView),
  goods: Money,
  discount: Money,
  total: Money,
})
export type CartView = Static<typeof CartView>

/** A new cart; the token of a guest's is told here once and never again. */
export const NewCartView = Type.Object({
  ...CartView.properties,
  token: Type.Optional(
    Type.String({ description: 'Send it as X-Cart-Token. Only its hash is stored.' }),
  ),
})

/** Shows a cart with what it costs. */
export function viewOf(cart: Cart, { lines, coupon, goods, discount, total }: Quote): CartView {
  return {
    id: cart.id,
    state: cart.state,
    version: cart.version,
    ...(coupon !== null && { coupon: couponViewOf(coupon) }),
    goods,
    discount,
    total,
    lines: lines.map(line => ({
      variantId: line.variantId,
      quantity: line.quantity,
      isAvailable: line.offer !== null,
      ...(line.offer !== null && {
        title: line.offer.title,
        priceId: line.offer.priceId,
        unitPrice: line.offer.unitPrice,
      }),
      ...(line.discount.amount > 0 && { discount: line.discount }),
      ...(line.total !== null && { total: line.total }),
    })),
  }
}

function couponViewOf({ code, reasons }: Verdict): Static<typeof CouponView> {
  if (reasons.length === 0) return { code, isApplied: true }
  return {
    code,
    isApplied: false,
    reasons: reasons.map(({ code: reason, message, details }) => ({
      code: reason,
      message,
      ...(details !== undefined && { details }),
    })),
  }
}
