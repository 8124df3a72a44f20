import type { CourseId, PriceId, UserId, VariantId } from '@campus/contracts/ids'
import type { Money } from '@campus/contracts/money'

/** A variant at its price of the moment: what may be bought. */
export interface Offer {
  readonly variantId: VariantId
  readonly priceId: PriceId
  readonly title: string
  readonly kind: 'physical' | 'course'
  readonly courseId: CourseId | null
  readonly sellerId: UserId | null
  readonly unitPrice: Money
}

/** Offers by variant; a variant that is not in it is not for sale now. */
export type Offers = ReadonlyMap<VariantId, Offer>
