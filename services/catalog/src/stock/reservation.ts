import type { OrderId, PriceId, ReservationId, VariantId } from '@campus/contracts/ids'

// A reservation holds stock for one order, all lines or none:
//
//   held → committed → returned
//     └→ released | expired          rejected: nothing was held
//
// Every request of the saga is answered from the state, so a repeated one is answered the same again.

export type ReservationState =
  | 'held'
  | 'committed'
  | 'returned'
  | 'released'
  | 'expired'
  | 'rejected'

export interface ReservedLine {
  readonly lineNo: number
  readonly variantId: VariantId
  readonly quantity: number
  /** False for what never runs out. */
  readonly tracked: boolean
}

export interface Reservation {
  readonly id: ReservationId
  readonly orderId: OrderId
  readonly state: ReservationState
  readonly expiresAt: Date
  readonly rejection: Rejection | null
  readonly lines: readonly ReservedLine[]
}

/** Why nothing was reserved; every line that is in the way is named. */
export interface Rejection {
  readonly shortages: {
    variantId: VariantId
    requestedCount: number
    availableCount: number
  }[]
  readonly refusals: { variantId: VariantId; code: 'archived' | 'price_no_longer_valid' }[]
}

/** A line as it was ordered. */
export interface OrderedLine {
  readonly lineNo: number
  readonly variantId: VariantId
  readonly priceId: PriceId
  readonly quantity: number
}

/** What the catalog knows of an ordered line. */
export interface Sellable {
  readonly isPublished: boolean
  readonly tracked: boolean
  /** Whether the ordered price is the variant's and has not ended too long ago. */
  readonly hasPrice: boolean
}

/** Units wanted of each variant that has stock. */
export function wantedOf(lines: readonly ReservedLine[]): Map<VariantId, number> {
  const wanted = new Map<VariantId, number>()
  for (const { variantId, quantity, tracked } of lines) {
    if (tracked) wanted.set(variantId, (wanted.get(variantId) ?? 0) + quantity)
  }
  return wanted
}

/** Which of `wanted` is not there. */
export function shortagesOf(
  wanted: ReadonlyMap<VariantId, number>,
  available: ReadonlyMap<VariantId, number>,
): Rejection['shortages'] {
  return [...wanted]
    .map(([variantId, requestedCount]) => ({
      variantId,
      requestedCount,
      availableCount: Math.max(0, available.get(variantId) ?? 0),
    }))
    .filter(({ requestedCount, availableCount }) => availableCount < requestedCount)
}

/** Lines that cannot be sold whatever the stock. */
export function refusalsOf(
  lines: readonly OrderedLine[],
  sellable: ReadonlyMap<VariantId, Sellable>,
): Rejection['refusals'] {
  return lines.flatMap(({ variantId }): Rejection['refusals'] => {
    const known = sellable.get(variantId)
    if (known?.isPublished !== true) return [{ variantId, code: 'archived' }]
    return known.hasPrice ? [] : [{ variantId, code: 'price_no_longer_valid' }]
  })
}
