import type {
  CategoryId,
  CourseId,
  PriceId,
  ProductId,
  UserId,
  VariantId,
} from '@campus/contracts/ids'
import type { Money } from '@campus/contracts/money'
import { refuseAll } from '@campus/platform/errors'
import { refuse } from '../errors.ts'

export type ProductState = 'draft' | 'published' | 'archived'

/** Free facts of a product that people filter by, e.g. its colour. */
export type Attributes = Readonly<Record<string, string>>

/** A price of a variant while `validFrom ≤ now < validTo`. */
export interface Price {
  readonly id: PriceId
  readonly price: Money
  readonly validFrom: Date
  readonly validTo: Date | null
}

export interface Variant {
  readonly id: VariantId
  readonly sku: string
  readonly label: string
  readonly tracked: boolean
  readonly courseId: CourseId | null
  readonly prices: readonly Price[]
}

/** Something that can be sold in one or more variants. */
export interface Product {
  readonly id: ProductId
  readonly slug: string
  readonly title: string
  readonly description: string
  readonly kind: 'physical' | 'course'
  readonly categoryId: CategoryId | null
  readonly attributes: Attributes
  readonly popularity: number
  readonly sellerId: UserId | null
  readonly state: ProductState
  readonly version: number
  readonly variants: readonly Variant[]
}

/** Whether a slug would hide its product: the same path is something else. */
export function isReservedSlug(slug: string): boolean {
  return slug === 'popular'
}

/** The price of a variant at `now`. */
export function priceAt({ prices }: Variant, now: Date): Price | undefined {
  return prices.find(
    ({ validFrom, validTo }) => validFrom <= now && (validTo === null || validTo > now),
  )
}

/**
 * Whether a product may be shown to buyers (C6). One that is published already is not refused.
 *
 * @throws AppError `catalog.no_variant`, `catalog.no_price`
 */
export function requirePublishable({ variants }: Product, now: Date): void {
  const reasons = []
  if (variants.length === 0) reasons.push(refuse.no_variant())
  else if (variants.every(variant => priceAt(variant, now) === undefined)) {
    reasons.push(refuse.no_price())
  }
  refuseAll(reasons)
}

/** @throws AppError `catalog.price_owned_by_courses` */
export function requireOwnPrices({ kind }: Product): void {
  refuseAll(kind === 'course' ? [refuse.price_owned_by_courses()] : [])
}

/** What a buyer reads on a cart line: the product, and the variant when it says more. */
export function lineTitle(title: string, label: string): string {
  return label === '' || label === title ? title : `${title}, ${label}`
}
