import type { Ref } from '@campus/contracts/events/orders'
import type { IntentId, RefundId } from '@campus/contracts/ids'
import type { Tx } from '@campus/platform/data/postgres'
import { and, asc, eq, getTableColumns, gt, isNull, lte } from 'drizzle-orm'
import { refund as refundTable, intent as table } from '../schema.ts'
import type { Intent, Refund } from './intent.ts'

/** Adds an intent unless its Ref has one. @returns whether it was added */
export async function insertIntent(tx: Tx, intent: Intent): Promise<boolean> {
  const { rowCount } = await tx
    .insert(table)
    .values(toRow(intent))
    .onConflictDoNothing({ target: [table.refType, table.refId] })
  return rowCount === 1
}

/** Locks an intent, so that a buyer, an event and the provider cannot decide about it at once. */
export async function lockIntent(tx: Tx, id: IntentId): Promise<Intent | undefined> {
  const [row] = await tx.select().from(table).where(eq(table.id, id)).for('update')
  return row && withRefunds(tx, row)
}

/** The same by what is paid for. */
export async function lockIntentOf(tx: Tx, ref: Ref): Promise<Intent | undefined> {
  const [row] = await tx
    .select()
    .from(table)
    .where(and(eq(table.refType, ref.type), eq(table.refId, ref.id)))
    .for('update')
  return row && withRefunds(tx, row)
}

/** An intent without a lock. */
export async function findIntent(tx: Tx, id: IntentId): Promise<Intent | undefined> {
  const [row] = await tx.select().from(table).where(eq(table.id, id))
  return row && withRefunds(tx, row)
}

/** Writes what was decided: the columns that differ. The caller holds the lock. */
export async function saveIntent(tx: Tx, before: Intent, after: Intent): Promise<void> {
  const old = new Map<string, unknown>(Object.entries(toRow(before)))
  const changed = Object.entries(toRow(after)).filter(([name, value]) => old.get(name) !== value)
  await tx.update(table).set(Object.fromEntries(changed)).where(eq(table.id, after.id))
  const known = new Set(before.refunds)
  for (const refund of after.refunds.filter(one => !known.has(one))) {
    const { amountMinor: amount, ...same } = refund
    const row = { ...same, amount, intentId: after.id }
    await tx
      .insert(refundTable)
      .values(row)
      .onConflictDoUpdate({ target: refundTable.id, set: row })
  }
}

/** The intent that a refund is of. */
export async function intentOfRefund(tx: Tx, id: RefundId): Promise<IntentId | undefined> {
  const [row] = await tx
    .select({ intentId: refundTable.intentId })
    .from(refundTable)
    .where(eq(refundTable.id, id))
  return row?.intentId
}

/** Refunds that are to be tried again, the longest overdue first. */
export async function dueRefunds(
  tx: Tx,
  now: Date,
  max: number,
): Promise<{ id: RefundId; intentId: IntentId }[]> {
  return tx
    .select({ id: refundTable.id, intentId: refundTable.intentId })
    .from(refundTable)
    .where(and(eq(refundTable.state, 'pending'), lte(refundTable.nextAt, now)))
    .orderBy(asc(refundTable.nextAt))
    .limit(max)
}

/** Captured money of orders that nobody has confirmed, the oldest first. */
export async function orphans(tx: Tx, capturedBefore: Date, max: number): Promise<IntentId[]> {
  const rows = await tx
    .select({ id: table.id })
    .from(table)
    .where(isOrphan(capturedBefore))
    .orderBy(asc(table.capturedAt))
    .limit(max)
  return rows.map(({ id }) => id)
}

/** How many of them there are. */
export async function countOrphans(tx: Tx, capturedBefore: Date): Promise<number> {
  return tx.$count(table, isOrphan(capturedBefore))
}

function isOrphan(capturedBefore: Date) {
  return and(
    eq(table.refType, 'order'),
    gt(table.captured, table.refunded),
    isNull(table.confirmedAt),
    isNull(table.returnCause),
    lte(table.capturedAt, capturedBefore),
  )
}

/** Money that was never captured has no refunds. */
async function withRefunds(tx: Tx, row: typeof table.$inferSelect): Promise<Intent> {
  if (row.captured === 0) return toIntent(row, [])
  const { intentId, amount, ...columns } = getTableColumns(refundTable)
  const refunds = await tx
    .select({ ...columns, amountMinor: amount })
    .from(refundTable)
    .where(eq(intentId, row.id))
    .orderBy(asc(columns.createdAt), asc(columns.id))
  return toIntent(row, refunds)
}

function toRow(intent: Intent): typeof table.$inferSelect {
  const {
    ref,
    amountMinor,
    authorizedMinor,
    capturedMinor,
    refundedMinor,
    refunds: _,
    ...same
  } = intent
  return {
    ...same,
    refType: ref.type,
    refId: ref.id,
    amount: amountMinor,
    authorized: authorizedMinor,
    captured: capturedMinor,
    refunded: refundedMinor,
  }
}

function toIntent(row: typeof table.$inferSelect, refunds: readonly Refund[]): Intent {
  const { refType, refId, amount, authorized, captured, refunded, ...same } = row
  return {
    ...same,
    ref: { type: refType, id: refId },
    amountMinor: amount,
    authorizedMinor: authorized,
    capturedMinor: captured,
    refundedMinor: refunded,
    refunds,
  }
}
