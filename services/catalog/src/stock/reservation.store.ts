import type { OrderId, ReservationId } from '@campus/contracts/ids'
import type { Tx } from '@campus/platform/data/postgres'
import { and, asc, eq, lte } from 'drizzle-orm'
import { reservation, reservationLine } from '../schema.ts'
import type { Reservation } from './reservation.ts'

/** The reservation of an order, locked until the transaction ends. */
export async function lockReservation(tx: Tx, orderId: OrderId): Promise<Reservation | undefined> {
  const [row] = await tx
    .select()
    .from(reservation)
    .where(eq(reservation.orderId, orderId))
    .for('update')
  return row && { ...row, lines: await linesOf(tx, row.id) }
}

/** Adds a reservation. A second one of an order violates `reservation_order_id_key`. */
export async function insertReservation(tx: Tx, made: Reservation, now: Date): Promise<void> {
  const { lines, ...row } = made
  await tx.insert(reservation).values({ ...row, updatedAt: now })
  if (lines.length === 0) return
  await tx.insert(reservationLine).values(lines.map(line => ({ ...line, reservationId: made.id })))
}

/** Writes what was decided. The caller holds the lock. */
export async function saveReservation(
  tx: Tx,
  before: Reservation,
  after: Reservation,
  now: Date,
): Promise<void> {
  if (after === before) return
  const { id, state } = after
  await tx.update(reservation).set({ state, updatedAt: now }).where(eq(reservation.id, id))
  if (after.lines === before.lines) return
  for (const { lineNo, restocked } of after.lines) {
    await tx
      .update(reservationLine)
      .set({ restocked })
      .where(and(eq(reservationLine.reservationId, id), eq(reservationLine.lineNo, lineNo)))
  }
}

/** Held reservations past their time, the oldest first. Others' sweepers skip what is locked here. */
export async function lockExpired(tx: Tx, now: Date, max: number): Promise<Reservation[]> {
  const rows = await tx
    .select()
    .from(reservation)
    .where(and(eq(reservation.state, 'held'), lte(reservation.expiresAt, now)))
    .orderBy(asc(reservation.expiresAt))
    .limit(max)
    .for('update', { skipLocked: true })
  return Promise.all(rows.map(async row => ({ ...row, lines: await linesOf(tx, row.id) })))
}

async function linesOf(tx: Tx, id: ReservationId) {
  return tx
    .select({
      lineNo: reservationLine.lineNo,
      variantId: reservationLine.variantId,
      quantity: reservationLine.quantity,
      tracked: reservationLine.tracked,
      restocked: reservationLine.restocked,
    })
    .from(reservationLine)
    .where(eq(reservationLine.reservationId, id))
    .orderBy(asc(reservationLine.lineNo))
}
