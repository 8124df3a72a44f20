import type { Ref } from '@campus/contracts/events/orders'
import type { IntentId, RefundId } from '@campus/contracts/ids'
import { isAnyOf } from '@campus/platform/data/is-any-of'
import type { Tx } from '@campus/platform/data/postgres'
import { insertNewRows, updateRows } from '@campus/platform/data/rows'
import { and, asc, eq, gt, isNull, lte, type SQL, sql } from 'drizzle-orm'
import { refund as refundTable, intent as table } from '../schema.ts'
import type { Intent, Refund } from './intent.ts'

/** Adds intents, unless their Refs have one. @returns those that were added */
export async function insertIntents(tx: Tx, made: readonly Intent[]): Promise<Set<string>> {
  return insertNewRows(tx, table, made.map(toRow))
}

/** Locks intents, in the order of ids, so that two that want the same cannot wait for each other. */
export async function lockIntents(
  tx: Tx,
  { ids, refs }: { readonly ids: readonly IntentId[]; readonly refs: readonly Ref[] },
): Promise<Intent[]> {
  const found: (typeof table.$inferSelect)[] = []
  const lock = (which: SQL) =>
    tx.select().from(table).where(which).orderBy(asc(table.id)).for('update')
  if (ids.length > 0) found.push(...(await lock(isAnyOf(table.id, ids))))
  if (refs.length > 0) {
    const [types, things] = [refs.map(({ type }) => type), refs.map(({ id }) => id)]
    found.push(
      ...(await lock(sql`(${table.refType}, ${table.refId}) in (
        select * from unnest(${sql.param(types)}::text[], ${sql.param(things)}::uuid[]))`)),
    )
  }
  const refunds = await refundsOf(
    tx,
    // Money that was never captured has no refunds.
    found.filter(({ captured }) => captured > 0).map(({ id }) => id),
  )
  return found.map(row => toIntent(row, refunds.get(row.id) ?? []))
}

/** Locks an intent, so that a buyer, an event and the provider cannot decide about it at once. */
export async function lockIntent(tx: Tx, id: IntentId): Promise<Intent | undefined> {
  const [row] = await tx.select().from(table).where(eq(table.id, id)).for('update')
  return row && withRefunds(tx, row)
}

/** An intent without a lock. */
export async function findIntent(tx: Tx, id: IntentId): Promise<Intent | undefined> {
  const [row] = await tx.select().from(table).where(eq(table.id, id))
  return row && withRefunds(tx, row)
}

/** Writes what was decided about intents. The caller holds the locks. */
export async function saveIntents(
  tx: Tx,
  changed: readonly { readonly before: Intent; readonly after: Intent }[],
): Promise<void> {
  await updateRows(
    tx,
    table,
    changed.map(({ after }) => toRow(after)),
  )
  for (const { before, after } of changed) {
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

async function withRefunds(tx: Tx, row: typeof table.$inferSelect): Promise<Intent> {
  // Money that was never captured has no refunds.
  const refunds = await refundsOf(tx, row.captured === 0 ? [] : [row.id])
  return toIntent(row, refunds.get(row.id) ?? [])
}

async function refundsOf(tx: Tx, ids: readonly IntentId[]): Promise<Map<IntentId, Refund[]>> {
  const refunds = new Map<IntentId, Refund[]>()
  if (ids.length === 0) return refunds
  const rows = await tx
    .select()
    .from(refundTable)
    .where(isAnyOf(refundTable.intentId, ids))
    .orderBy(asc(refundTable.createdAt), asc(refundTable.id))
  for (const { intentId, amount, ...same } of rows) {
    refunds.set(intentId, [...(refunds.get(intentId) ?? []), { ...same, amountMinor: amount }])
  }
  return refunds
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
