import type { OrderId } from '@campus/contracts/ids'
import { isAnyOf } from '@campus/platform/data/is-any-of'
import type { Tx } from '@campus/platform/data/postgres'
import { and, asc, eq, lte, sql } from 'drizzle-orm'
import { reservation, reservationLine } from '../schema.ts'
import type { Reservation, ReservedLine } from './reservation.ts'

/** Reservations of orders, locked until the transaction ends, in the order of the orders' ids. */
export async function lockReservations(
  tx: Tx,
  orderIds: readonly OrderId[],
): Promise<Map<OrderId, Reservation>> {
  const rows = await tx
    .select()
    .from(reservation)
    .where(isAnyOf(reservation.orderId, orderIds))
    .orderBy(asc(reservation.orderId))
    .for('update')
  const found = new Map(rows.map(row => [row.id, { ...row, lines: [] as ReservedLine[] }] as const))
  if (rows.length > 0) {
    const lines = await tx
      .select()
      .from(reservationLine)
      .where(isAnyOf(reservationLine.reservationId, [...found.keys()]))
      .orderBy(asc(reservationLine.lineNo))
    for (const { reservationId, ...line } of lines) found.get(reservationId)?.lines.push(line)
  }
  return new Map([...found.values()].map(one => [one.orderId, one]))
}

/**
 * Writes reservations that were made or changed. A second one of an order violates
 * `reservation_order_id_key`. The caller holds the locks.
 */
export async function saveReservations(
  tx: Tx,
  before: ReadonlyMap<OrderId, Reservation>,
  after: ReadonlyMap<OrderId, Reservation>,
  now: Date,
): Promise<void> {
  const made = [...after.values()].filter(({ orderId }) => !before.has(orderId))
  await insertReservations(tx, made, now)
  const changed = [...after.values()].filter(one => {
    const old = before.get(one.orderId)
    return old !== undefined && old !== one
  })
  if (changed.length === 0) return
  await tx.execute(sql`
    update reservation r set state = c.state, updated_at = ${now.toISOString()}::timestamptz
    from unnest(
      ${sql.param(changed.map(({ id }) => id))}::uuid[],
      ${sql.param(changed.map(({ state }) => state))}::text[]) c(id, state)
    where r.id = c.id`)
  for (const { id, orderId, lines } of changed) {
    const old = new Set(before.get(orderId)?.lines)
    for (const { lineNo, restocked } of lines.filter(line => !old.has(line))) {
      await tx
        .update(reservationLine)
        .set({ restocked })
        .where(and(eq(reservationLine.reservationId, id), eq(reservationLine.lineNo, lineNo)))
    }
  }
}

async function insertReservations(tx: Tx, made: readonly Reservation[], now: Date): Promise<void> {
  if (made.length === 0) return
  await tx.execute(sql`
    insert into reservation (id, order_id, state, expires_at, rejection, updated_at)
    select id, order_id, state, expires_at, rejection, ${now.toISOString()}::timestamptz from unnest(
      ${sql.param(made.map(({ id }) => id))}::uuid[],
      ${sql.param(made.map(({ orderId }) => orderId))}::uuid[],
      ${sql.param(made.map(({ state }) => state))}::text[],
      ${sql.param(made.map(({ expiresAt }) => expiresAt.toISOString()))}::timestamptz[],
      ${sql.param(made.map(({ rejection }) => rejection && JSON.stringify(rejection)))}::jsonb[]
    ) m(id, order_id, state, expires_at, rejection)`)
  const lines = made.flatMap(one => one.lines.map(line => ({ ...line, reservationId: one.id })))
  if (lines.length === 0) return
  const column = <T>(of: (line: (typeof lines)[number]) => T) => sql.param(lines.map(of))
  await tx.execute(sql`
    insert into reservation_line (reservation_id, line_no, variant_id, quantity, tracked, restocked)
    select * from unnest(
      ${column(l => l.reservationId)}::uuid[], ${column(l => l.lineNo)}::int[],
      ${column(l => l.variantId)}::uuid[], ${column(l => l.quantity)}::int[],
      ${column(l => l.tracked)}::bool[], ${column(l => l.restocked)}::int[])`)
}

/**
 * Orders whose hold is past its time, the oldest first, locked. Others' sweepers skip what is locked
 * here.
 */
export async function lockExpired(tx: Tx, now: Date, max: number): Promise<OrderId[]> {
  const rows = await tx
    .select({ orderId: reservation.orderId })
    .from(reservation)
    .where(and(eq(reservation.state, 'held'), lte(reservation.expiresAt, now)))
    .orderBy(asc(reservation.expiresAt))
    .limit(max)
    .for('update', { skipLocked: true })
  return rows.map(({ orderId }) => orderId)
}
