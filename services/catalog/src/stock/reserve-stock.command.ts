import { stockRejected, stockReserved } from '@campus/contracts/events/catalog'
import type { OrderId, ReservationId } from '@campus/contracts/ids'
import type { Tx } from '@campus/platform/data/postgres'
import { emit } from '@campus/platform/events/outbox'
import { newId } from '@campus/platform/new-id'
import { insertReservation, lockReservation } from './reservation.store.ts'
import {
  type OrderedLine,
  type Rejection,
  type Reservation,
  type ReservedLine,
  refusalsOf,
  shortagesOf,
  wantedOf,
} from './reservation.ts'
import { changeReserved, lockAvailable, sellableOf } from './stock.store.ts'

export interface ReserveDeps {
  /** A price that ended is still honoured for so long. */
  readonly priceGraceSeconds: number
}

/** Holds the stock of an order, all lines or none, and answers; asked again it answers the same. */
export async function reserveStock(
  tx: Tx,
  { priceGraceSeconds }: ReserveDeps,
  order: {
    readonly orderId: OrderId
    readonly lines: readonly OrderedLine[]
    readonly holdSeconds: number
  },
  now: Date,
): Promise<void> {
  const { orderId, lines } = order
  const known = await lockReservation(tx, orderId)
  if (known !== undefined) return answer(tx, known)

  const pricesValidAt = new Date(now.getTime() - priceGraceSeconds * 1_000)
  const sellable = await sellableOf(tx, lines, pricesValidAt)
  const refusals = refusalsOf(lines, sellable)
  const reserved = lines.map(({ lineNo, variantId, quantity }) => {
    return { lineNo, variantId, quantity, tracked: sellable.get(variantId)?.tracked === true }
  })
  const wanted = wantedOf(reserved)
  const shortages = shortagesOf(wanted, await lockAvailable(tx, [...wanted.keys()]))
  const isHeld = refusals.length === 0 && shortages.length === 0
  const made: Reservation = {
    id: newId<ReservationId>(),
    orderId,
    state: isHeld ? 'held' : 'rejected',
    expiresAt: new Date(now.getTime() + order.holdSeconds * 1_000),
    rejection: isHeld ? null : { shortages, refusals },
    lines: isHeld ? reserved : [],
  }
  if (isHeld) await changeReserved(tx, wanted)
  await insertReservation(tx, made, now)
  await answer(tx, made)
}

const nothing: Rejection = { shortages: [], refusals: [] }

async function answer(tx: Tx, { id, orderId, state, ...made }: Reservation): Promise<void> {
  switch (state) {
    case 'held':
    case 'committed': {
      const lines = made.lines.map(withoutTracking)
      const expiresAt = made.expiresAt.toISOString()
      return emit(tx, stockReserved.of({ orderId, reservationId: id, lines, expiresAt }))
    }
    // A release came first, or the time is over: the order gets no stock any more.
    case 'returned':
    case 'released':
    case 'expired':
    case 'rejected':
      return emit(tx, stockRejected.of({ orderId, ...(made.rejection ?? nothing) }))
  }
}

function withoutTracking({ lineNo, variantId, quantity }: ReservedLine) {
  return { lineNo, variantId, quantity }
}
