import { lowStockReached, stockDepleted, stockReplenished } from '@campus/contracts/events/catalog'
import type { VariantId } from '@campus/contracts/ids'

/** Units of a variant that could be had before a change, and after it. */
export interface AvailabilityChange {
  readonly variantId: VariantId
  readonly before: number
  readonly after: number
  /** From so many units on somebody wants to know; null for never. */
  readonly lowAt: number | null
}

/** Whether a variant has begun or ceased to be available. */
export function isTurn({ before, after }: AvailabilityChange): boolean {
  return before > 0 !== after > 0
}

/** What the shop is told of a change: that nothing is left, that there is something again, or little. */
export function newsOf(change: AvailabilityChange) {
  const { variantId, before, after, lowAt } = change
  const availableCount = Math.max(0, after)
  if (isTurn(change)) {
    const about = { variantId, availableCount }
    return [after > 0 ? stockReplenished.of(about) : stockDepleted.of(about)]
  }
  const isLow = lowAt !== null && before > lowAt && after <= lowAt
  return isLow ? [lowStockReached.of({ variantId, availableCount, thresholdCount: lowAt })] : []
}
