import type { AnyId } from '@campus/contracts/ids'
import type { Tx } from '@campus/platform/data/postgres'
import { emit } from '@campus/platform/events/outbox'
import { moveUnits } from './move-units.command.ts'
import type { MovementReason } from './movement.ts'
import { saveReservation } from './reservation.store.ts'
import type { Reservation, ReservationStep } from './reservation.ts'
import { changeReserved } from './stock.store.ts'
import { tellAvailability } from './tell-availability.command.ts'

/** Carries out what was decided about a reservation, whose variants are locked, and answers. */
export async function settleReservation(
  tx: Tx,
  before: Reservation,
  { reservation, reserve, move, answer }: ReservationStep,
  how: { readonly reason: MovementReason; readonly causeId: AnyId | null; readonly now: Date },
): Promise<void> {
  const { now } = how
  // What leaves because it was held is let go of by the same statement.
  const isReserved = reserve === move
  if (!isReserved) await tellAvailability(tx, await changeReserved(tx, reserve))
  if (move.size > 0) {
    await moveUnits(tx, { ...how, deltas: move, isReserved, orderId: before.orderId })
  }
  await saveReservation(tx, before, reservation, now)
  if (answer !== undefined) emit(tx, answer)
}
