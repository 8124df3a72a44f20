import { ProductKind } from '@campus/contracts/events/catalog'
import { At } from '@campus/contracts/fields'
import { CategoryId, PriceId, ProductId, VariantId } from '@campus/contracts/ids'
import { Money } from '@campus/contracts/money'
import { type Static, Type } from 'typebox'
import { type Product, priceAt } from './product.ts'

const PriceView = Type.Object({
  id: PriceId,
  price: Money,
  validFromAt: At,
  validToAt: Type.Optional(At),
})
const VariantView = Type.Object({
  id: VariantId,
  sku: Type.String(),
  label: Type.String(),
  isTracked: Type.Boolean({ description: 'Whether it has stock; see its availability.' }),
  price: Type.Optional(PriceView),
})

/** A product as buyers see it, at the prices of the moment. */
export const ProductView = Type.Object({
  id: ProductId,
  slug: Type.String(),
  title: Type.String(),
  description: Type.String(),
  kind: ProductKind,
  categoryId: Type.Optional(CategoryId),
  attributes: Type.Record(Type.String(), Type.String()),
  state: Type.Union([Type.Literal('draft'), Type.Literal('published'), Type.Literal('archived')]),
  version: Type.Integer(),
  variants: Type.Array(VariantView),
})
export type ProductView = Static<typeof ProductView>

/** Shows a product at `now`. */
export function viewOf(product: Product, now: Date): ProductView {
  const { id, slug, title, description, kind, categoryId, state, version, variants } = product
  const { attributes } = product
  return {
    id,
    slug,
    title,
    description,
    kind,
    ...(categoryId !== null && { categoryId }),
    attributes: { ...attributes },
    state,
    version,
    variants: variants.map(variant => {
      const price = priceAt(variant, now)
      return {
        id: variant.id,
        sku: variant.sku,
        label: variant.label,
        isTracked: variant.tracked,
        ...(price !== undefined && {
          price: {
            id: price.id,
            price: price.price,
            validFromAt: price.validFrom.toISOString(),
            ...(price.validTo !== null && { validToAt: price.validTo.toISOString() }),
          },
        }),
      }
    }),
  }
}
