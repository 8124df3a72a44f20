import { CartId, PriceId, VariantId } from '@campus/contracts/ids'
import { Money } from '@campus/contracts/money'
import { type Static, Type } from 'typebox'
import type { Offers } from '../assortment/offer.ts'
import { type Cart, priced, totalOf } from './cart.ts'

const CartLineView = Type.Object({
  variantId: VariantId,
  quantity: Type.Integer(),
  isAvailable: Type.Boolean({ description: 'False while the variant is not for sale.' }),
  title: Type.Optional(Type.String()),
  priceId: Type.Optional(PriceId),
  unitPrice: Type.Optional(Money),
  total: Type.Optional(Money),
})

/** A cart at the prices of the moment. */
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

/** Shows a cart by the offers of the moment. */
export function viewOf(cart: Cart, offers: Offers): CartView {
  const lines = priced(cart.lines, offers)
  return {
    id: cart.id,
    state: cart.state,
    version: cart.version,
    total: totalOf(lines),
    lines: lines.map(({ variantId, quantity, offer, total }) => ({
      variantId,
      quantity,
      isAvailable: offer !== null,
      ...(offer !== null && {
        title: offer.title,
        priceId: offer.priceId,
        unitPrice: offer.unitPrice,
      }),
      ...(total !== null && { total }),
    })),
  }
}
