import { ProductKind } from '@campus/contracts/events/catalog'
import { CategoryId, ProductId } from '@campus/contracts/ids'
import { Money } from '@campus/contracts/money'
import { type Static, Type } from 'typebox'
import type { FacetCounts, Listing } from './listing.ts'

/** A product in a list. */
export const ListingView = Type.Object({
  id: ProductId,
  slug: Type.String(),
  title: Type.String(),
  kind: ProductKind,
  categoryId: Type.Optional(CategoryId),
  priceFrom: Money,
  inStock: Type.Boolean(),
})
type ListingView = Static<typeof ListingView>

export function listingViewOf(listing: Listing): ListingView {
  const { productId, slug, title, kind, categoryId, priceFrom, inStock } = listing
  return {
    id: productId,
    slug,
    title,
    kind,
    ...(categoryId !== null && { categoryId }),
    priceFrom,
    inStock,
  }
}

/** How many matches there are of each kind. */
export const FacetsView = Type.Object({
  categories: Type.Array(Type.Object({ id: CategoryId, count: Type.Integer() })),
  attributes: Type.Record(
    Type.String(),
    Type.Array(Type.Object({ value: Type.String(), count: Type.Integer() })),
  ),
  inStock: Type.Integer(),
  price: Type.Optional(
    Type.Object({
      min: Type.Integer({ description: 'Minor units' }),
      max: Type.Integer({ description: 'Minor units' }),
    }),
  ),
  counted: Type.Integer({ description: 'Matches that were counted, the most popular ones' }),
  isPartial: Type.Boolean({ description: 'Whether there are more matches than were counted' }),
})

export function facetsViewOf(counts: FacetCounts): Static<typeof FacetsView> {
  const { minAmount, maxAmount, categories, attributes, inStock, counted, isPartial } = counts
  return {
    categories: [...categories],
    attributes: Object.fromEntries(
      Object.entries(attributes).map(([name, values]) => [name, [...values]]),
    ),
    inStock,
    ...(minAmount !== null && maxAmount !== null && { price: { min: minAmount, max: maxAmount } }),
    counted,
    isPartial,
  }
}
