import type { Ref } from '@campus/contracts/events/orders'
import type { IntentId } from '@campus/contracts/ids'
import type { Tx } from '@campus/platform/data/postgres'
import { and, eq } from 'drizzle-orm'
import { intent as table } from '../schema.ts'
import type { Intent } from './intent.ts'

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
  return row && toIntent(row)
}

/** The same by what is paid for. */
export async function lockIntentOf(tx: Tx, ref: Ref): Promise<Intent | undefined> {
  const [row] = await tx
    .select()
    .from(table)
    .where(and(eq(table.refType, ref.type), eq(table.refId, ref.id)))
    .for('update')
  return row && toIntent(row)
}

/** An intent without a lock. */
export async function findIntent(tx: Tx, id: IntentId): Promise<Intent | undefined> {
  const [row] = await tx.select().from(table).where(eq(table.id, id))
  return row && toIntent(row)
}

/** Writes what was decided: the columns that differ. The caller holds the lock. */
export async function saveIntent(tx: Tx, before: Intent, after: Intent): Promise<void> {
  const old = new Map<string, unknown>(Object.entries(toRow(before)))
  const changed = Object.entries(toRow(after)).filter(([name, value]) => old.get(name) !== value)
  await tx.update(table).set(Object.fromEntries(changed)).where(eq(table.id, after.id))
}

function toRow(intent: Intent): typeof table.$inferSelect {
  const { ref, amountMinor, authorizedMinor, capturedMinor, refundedMinor, ...same } = intent
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

function toIntent(row: typeof table.$inferSelect): Intent {
  const { refType, refId, amount, authorized, captured, refunded, ...same } = row
  return {
    ...same,
    ref: { type: refType, id: refId },
    amountMinor: amount,
    authorizedMinor: authorized,
    capturedMinor: captured,
    refundedMinor: refunded,
  }
}
