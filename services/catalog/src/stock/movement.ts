import type { MovementId, VariantId } from '@campus/contracts/ids'

/** Why units came or went. */
export type MovementReason = 'count' | 'damage' | 'delivery' | 'sale' | 'cancellation' | 'return'

/** Units that came (positive) or went (negative); the stock of a variant is their sum. */
export interface Movement {
  readonly id: MovementId
  readonly variantId: VariantId
  readonly delta: number
  readonly onHandAfter: number
  readonly reason: MovementReason
}
