import type { NewEvent } from '@campus/contracts/envelope'
import {
  reservationExpired,
  stockCommitRejected,
  stockCommitted,
  stockRejected,
  stockReleased,
  stockReserved,
} from '@campus/contracts/events/catalog'
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
  /** Units that were sold and have come back. */
  readonly restocked: number
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
  /** Those of the ordered prices that are the variant's and have not ended too long ago. */
  readonly priceIds: ReadonlySet<PriceId>
}

/** Units that are there and promised to nobody, by variant. */
export type Available = ReadonlyMap<VariantId, number>

/** What becomes of a reservation; the same one when nothing changes. */
export interface ReservationStep {
  readonly reservation: Reservation
  /** Units to hold (positive) or to let go of (negative). */
  readonly reserve: ReadonlyMap<VariantId, number>
  /** Units that leave (negative) or come back (positive). */
  readonly move: ReadonlyMap<VariantId, number>
  readonly answer: NewEvent | undefined
}

const none: ReadonlyMap<VariantId, number> = new Map()
const nothing: Rejection = { shortages: [], refusals: [] }

function stays(reservation: Reservation, answer?: NewEvent): ReservationStep {
  return { reservation, reserve: none, move: none, answer }
}

/** The first reservation of an order: all lines are held, or none is (C3). */
export function decideReservation(
  wanted: Omit<Reservation, 'state' | 'rejection'>,
  refusals: Rejection['refusals'],
  available: Available,
): ReservationStep {
  const units = wantedOf(wanted.lines)
  const shortages = shortagesOf(units, available)
  if (refusals.length > 0 || shortages.length > 0) {
    const rejection = { shortages, refusals }
    const rejected: Reservation = { ...wanted, lines: [], state: 'rejected', rejection }
    return stays(rejected, answerOf(rejected))
  }
  const held: Reservation = { ...wanted, state: 'held', rejection: null }
  return { ...stays(held, answerOf(held)), reserve: units }
}

/** The answer to a reservation that is asked for again. */
export function answerOf({ id, orderId, state, ...made }: Reservation): NewEvent {
  switch (state) {
    case 'held':
    case 'committed':
      return stockReserved.of({
        orderId,
        reservationId: id,
        lines: made.lines.map(({ lineNo, variantId, quantity }) => {
          return { lineNo, variantId, quantity }
        }),
        expiresAt: made.expiresAt.toISOString(),
      })
    // A release came first, or the time is over: the order gets no stock any more.
    case 'returned':
    case 'released':
    case 'expired':
    case 'rejected':
      return stockRejected.of({ orderId, ...(made.rejection ?? nothing) })
  }
}

/**
 * What a request to sell the units means; asked again it is answered the same. A hold that has expired
 * is taken again in the same step when the units are still there: never oversold, and not refused for
 * nothing (C4).
 */
export function decideCommit(reservation: Reservation, available: Available): ReservationStep {
  const { id: reservationId, orderId, state } = reservation
  const committed = stockCommitted.of({ orderId, reservationId })
  const units = wantedOf(reservation.lines)
  const sold: Reservation = { ...reservation, state: 'committed' }
  switch (state) {
    case 'committed':
      return stays(reservation, committed)
    case 'rejected':
    case 'released':
    case 'returned':
      return stays(reservation, stockCommitRejected.of({ orderId, shortages: [] }))
    case 'held': {
      const out = negated(units)
      return { reservation: sold, reserve: out, move: out, answer: committed }
    }
    case 'expired': {
      const shortages = shortagesOf(units, available)
      return shortages.length > 0
        ? stays(reservation, stockCommitRejected.of({ orderId, shortages }))
        : { reservation: sold, reserve: none, move: negated(units), answer: committed }
    }
  }
}

/**
 * What a request to give everything back means; asked again it is answered the same. After it the order
 * can never hold stock.
 */
export function decideRelease(reservation: Reservation): ReservationStep {
  const { id: reservationId, orderId, state } = reservation
  const told = (outcome: 'nothing' | 'released' | 'returned') =>
    stockReleased.of({ orderId, reservationId, outcome })
  const units = wantedOf(reservation.lines)
  switch (state) {
    case 'held':
      return {
        reservation: { ...reservation, state: 'released' },
        reserve: negated(units),
        move: none,
        answer: told('released'),
      }
    case 'committed':
      return {
        reservation: { ...reservation, state: 'returned' },
        reserve: none,
        move: units,
        answer: told('returned'),
      }
    case 'expired':
      // A commit that is still on its way must not take the units again.
      return stays({ ...reservation, state: 'released' }, told('nothing'))
    case 'released':
      return stays(reservation, told('released'))
    case 'returned':
      return stays(reservation, told('returned'))
    case 'rejected':
      return stays(reservation, told('nothing'))
  }
}

/** What the end of its time means for a reservation. */
export function decideExpiry(reservation: Reservation, now: Date): ReservationStep {
  const { id: reservationId, orderId, state, expiresAt } = reservation
  if (state !== 'held' || expiresAt > now) return stays(reservation)
  return {
    reservation: { ...reservation, state: 'expired' },
    reserve: negated(wantedOf(reservation.lines)),
    move: none,
    answer: reservationExpired.of({ orderId, reservationId }),
  }
}

/**
 * Sold units come back: their line was refunded before they left, or they were returned. More than was
 * sold never comes back, and nothing once the whole order has been given back.
 */
export function decideRestock(
  reservation: Reservation,
  units: readonly { readonly lineNo: number; readonly count: number }[],
): ReservationStep {
  if (reservation.state !== 'committed') return stays(reservation)
  const counts = new Map(units.map(({ lineNo, count }) => [lineNo, count]))
  const move = new Map<VariantId, number>()
  const lines = reservation.lines.map(line => {
    const left = line.quantity - line.restocked
    const back = line.tracked ? Math.min(counts.get(line.lineNo) ?? 0, left) : 0
    if (back > 0) move.set(line.variantId, (move.get(line.variantId) ?? 0) + back)
    return back > 0 ? { ...line, restocked: line.restocked + back } : line
  })
  return move.size === 0
    ? stays(reservation)
    : { reservation: { ...reservation, lines }, reserve: none, move, answer: undefined }
}

function negated(units: ReadonlyMap<VariantId, number>): Map<VariantId, number> {
  return new Map([...units].map(([variantId, count]) => [variantId, -count]))
}

/** Units of each variant that has stock, as far as they were not given back. */
export function wantedOf(lines: readonly ReservedLine[]): Map<VariantId, number> {
  const wanted = new Map<VariantId, number>()
  for (const { variantId, quantity, restocked, tracked } of lines) {
    const units = quantity - restocked
    if (tracked && units > 0) wanted.set(variantId, (wanted.get(variantId) ?? 0) + units)
  }
  return wanted
}

/** Which of `wanted` is not there. */
function shortagesOf(
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
  return lines.flatMap(({ variantId, priceId }): Rejection['refusals'] => {
    const known = sellable.get(variantId)
    if (known?.isPublished !== true) return [{ variantId, code: 'archived' }]
    return known.priceIds.has(priceId) ? [] : [{ variantId, code: 'price_no_longer_valid' }]
  })
}
