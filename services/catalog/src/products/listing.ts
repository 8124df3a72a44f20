import type { CategoryId, ProductId } from '@campus/contracts/ids'
import type { Money } from '@campus/contracts/money'
import { type Attributes, type Product, priceAt } from './product.ts'

/** A published product as lists and search show it. */
export interface Listing {
  readonly productId: ProductId
  readonly slug: string
  readonly title: string
  readonly kind: Product['kind']
  readonly categoryId: CategoryId | null
  /** The lowest price of the moment. */
  readonly priceFrom: Money
  readonly inStock: boolean
}

export const sorts = ['relevance', 'newest', 'popular', 'price', '-price'] as const
export type Sort = (typeof sorts)[number]

/** What a list is narrowed to. */
export interface ListingFilter {
  readonly words: readonly string[] | undefined
  /** A category and all that are below it. */
  readonly categoryIds: readonly CategoryId[] | undefined
  /** Minor units. */
  readonly minAmount: number | undefined
  /** Minor units. */
  readonly maxAmount: number | undefined
  readonly inStock: boolean
  readonly attributes: Attributes
}

/** Where a page begins: behind this row. */
export interface Position {
  /** The value of the sort; null when the id is the sort. */
  readonly value: number | null
  readonly productId: ProductId
}

/** A part of a list. */
export interface ListPage {
  readonly sort: Sort
  readonly after: Position | undefined
  readonly max: number
}

/** How many of the matches there are of each kind. */
export interface FacetCounts {
  readonly categories: readonly { readonly id: CategoryId; readonly count: number }[]
  readonly attributes: Readonly<
    Record<string, readonly { readonly value: string; readonly count: number }[]>
  >
  readonly inStock: number
  /** Minor units; null when nothing matches. */
  readonly minAmount: number | null
  readonly maxAmount: number | null
  /** Matches that were counted. */
  readonly counted: number
  /** Whether there are more matches than were counted. */
  readonly isPartial: boolean
}

/** What can be found of a product, by weight: its name, what tells its variants apart, and its text. */
export interface SearchText {
  readonly a: string
  readonly b: string
  readonly c: string
}

/**
 * The words of a text as they are searched for: lower case, and without accents, because people leave
 * them out.
 */
export function wordsOf(text: string): string[] {
  const plain = text
    .normalize('NFKD')
    .replaceAll(/\p{M}+/gu, '')
    .toLowerCase()
  return plain.match(/[\p{L}\p{N}]+/gu) ?? []
}

/** A query for all of the words, each also as the beginning of a longer one. */
export function tsqueryOf(words: readonly string[]): string {
  return words.map(word => (word.length > 1 ? `${word}:*` : word)).join(' & ')
}

/** The words by which a product is found. */
export function searchTextOf({ title, description, attributes, variants }: Product): SearchText {
  const details = [
    ...Object.values(attributes),
    ...variants.flatMap(({ label, sku }) => [label, sku]),
  ]
  const join = (text: string) => wordsOf(text).join(' ')
  return { a: join(title), b: join(details.join(' ')), c: join(description) }
}

/** The lowest price of a product at `now`; undefined while it has none. */
export function priceFrom({ variants }: Product, now: Date): Money | undefined {
  const prices = variants.flatMap(variant => priceAt(variant, now)?.price ?? [])
  return prices.toSorted((a, b) => a.amount - b.amount)[0]
}

/** When a price begins or ends next; null when all stays as it is. */
export function pricesChangeAt({ variants }: Product, now: Date): Date | null {
  const moments = variants
    .flatMap(({ prices }) => prices)
    .flatMap(({ validFrom, validTo }) => [validFrom, ...(validTo === null ? [] : [validTo])])
    .filter(moment => moment > now)
  return moments.toSorted((a, b) => a.getTime() - b.getTime())[0] ?? null
}
