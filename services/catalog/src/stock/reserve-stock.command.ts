import type { OrderId, ReservationId } from '@campus/contracts/ids'
import type { Tx } from '@campus/platform/data/postgres'
import { emit } from '@campus/platform/events/outbox'
import { newId } from '@campus/platform/new-id'
import { insertReservation, lockReservation } from './reservation.store.ts'
import {
  answerOf,
  decideReservation,
  type OrderedLine,
  refusalsOf,
  wantedOf,
} from './reservation.ts'
import { changeReserved, lockAvailable, sellableOf } from './stock.store.ts'
import { tellAvailability } from './tell-availability.command.ts'

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
  if (known !== undefined) return emit(tx, answerOf(known))

  const pricesValidAt = new Date(now.getTime() - priceGraceSeconds * 1_000)
  const sellable = await sellableOf(tx, lines, pricesValidAt)
  const wanted = {
    id: newId<ReservationId>(),
    orderId,
    expiresAt: new Date(now.getTime() + order.holdSeconds * 1_000),
    lines: lines.map(({ lineNo, variantId, quantity }) => {
      const tracked = sellable.get(variantId)?.tracked === true
      return { lineNo, variantId, quantity, tracked, restocked: 0 }
    }),
  }
  const available = await lockAvailable(tx, [...wantedOf(wanted.lines).keys()])
  const made = decideReservation(wanted, refusalsOf(lines, sellable), available)
  await tellAvailability(tx, await changeReserved(tx, made.reserve))
  await insertReservation(tx, made.reservation, now)
  if (made.answer !== undefined) emit(tx, made.answer)
}
