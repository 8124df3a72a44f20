import type { OrderId, ReturnId } from '@campus/contracts/ids'
import type { Tx } from '@campus/platform/data/postgres'
import { and, desc, eq, getTableColumns, lt } from 'drizzle-orm'
import { orderReturn, orders } from '../schema.ts'
import type { Return, ReturnState } from './return.ts'

/** Which returns; all of them when nothing is said. */
export interface ReturnFilter {
  readonly orderId?: OrderId | undefined
  readonly state?: ReturnState | undefined
}

const columns = {
  ...getTableColumns(orderReturn),
  userId: orders.userId,
  currency: orders.currency,
}

/** Adds a return. The caller holds the lock of the order. */
export async function insertReturn(tx: Tx, made: Return): Promise<void> {
  await tx.insert(orderReturn).values(rowOf(made))
}

/** Writes what was decided about a return. The caller holds the lock of its order. */
export async function saveReturn(tx: Tx, changed: Return): Promise<void> {
  await tx.update(orderReturn).set(rowOf(changed)).where(eq(orderReturn.id, changed.id))
}

/** Ends a return whose refund has succeeded. The caller holds the lock of its order. */
export async function closeReturn(tx: Tx, id: ReturnId, now: Date): Promise<void> {
  await tx
    .update(orderReturn)
    .set({ state: 'closed', closedAt: now })
    .where(and(eq(orderReturn.id, id), eq(orderReturn.state, 'refunding')))
}

/** A return without a lock; the lock of its order is the one that counts. */
export async function findReturn(tx: Tx, id: ReturnId): Promise<Return | undefined> {
  const [row] = await tx
    .select(columns)
    .from(orderReturn)
    .innerJoin(orders, eq(orders.id, orderReturn.orderId))
    .where(eq(orderReturn.id, id))
  return row
}

/** Returns, the newest first, from behind `after` on. */
export async function returnsOf(
  tx: Tx,
  { orderId, state }: ReturnFilter,
  after: ReturnId | undefined,
  max: number,
): Promise<Return[]> {
  return tx
    .select(columns)
    .from(orderReturn)
    .innerJoin(orders, eq(orders.id, orderReturn.orderId))
    .where(
      and(
        orderId === undefined ? undefined : eq(orderReturn.orderId, orderId),
        state === undefined ? undefined : eq(orderReturn.state, state),
        after === undefined ? undefined : lt(orderReturn.id, after),
      ),
    )
    .orderBy(desc(orderReturn.id))
    .limit(max)
}

/** All returns of an order: their number is bounded by `requireReturnable`. */
export async function returnsOfOrder(tx: Tx, orderId: OrderId): Promise<Return[]> {
  return returnsOf(tx, { orderId }, undefined, 100)
}

/** User and currency are those of the order; drizzle leaves out what is no column. */
function rowOf(one: Return) {
  return { ...one, lines: [...one.lines], received: [...one.received] }
}
