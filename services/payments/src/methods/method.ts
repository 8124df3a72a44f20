import type { PaymentMethodId, UserId } from '@campus/contracts/ids'

/** A person has so many payment methods at most. */
export const methodsMax = 10

/** A card that somebody pays with again. */
export interface PaymentMethod {
  readonly id: PaymentMethodId
  readonly userId: UserId
  /** The provider's name for the card. */
  readonly token: string
  readonly brand: string
  readonly last4: string
  readonly createdAt: Date
  readonly removedAt: Date | null
}
