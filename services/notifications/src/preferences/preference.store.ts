import { preferencesChanged } from '@campus/contracts/events/notifications'
import type { UserId } from '@campus/contracts/ids'
import { isAnyOf } from '@campus/platform/data/is-any-of'
import type { Tx } from '@campus/platform/data/postgres'
import { emit } from '@campus/platform/events/outbox'
import { eq } from 'drizzle-orm'
import { preference } from '../schema.ts'
import type { Change, Preference, Topic } from './preference.ts'

const untouched: Preference = { version: 0, switchedOff: [] }

/** What somebody has chosen; everything is on for who has chosen nothing. */
export async function findPreference(tx: Tx, userId: UserId): Promise<Preference> {
  const [row] = await tx.select().from(preference).where(eq(preference.userId, userId))
  return row ?? untouched
}

/** The same of several people. */
export async function findPreferences(
  tx: Tx,
  userIds: readonly UserId[],
): Promise<(userId: UserId) => Preference> {
  const rows = await tx.select().from(preference).where(isAnyOf(preference.userId, userIds))
  const found = new Map<UserId, Preference>(rows.map(row => [row.userId, row]))
  return userId => found.get(userId) ?? untouched
}

/** The same, locked until the end of the transaction. */
export async function lockPreference(tx: Tx, userId: UserId): Promise<Preference> {
  // There must be a row to lock: of two first choices at the same time one is stale.
  await tx.insert(preference).values({ userId, version: 0, switchedOff: [] }).onConflictDoNothing()
  const [row] = await tx
    .select()
    .from(preference)
    .where(eq(preference.userId, userId))
    .for('update')
  return row ?? untouched
}

/** Saves what changed of a locked choice and publishes each switch that was moved. */
export async function savePreference(
  tx: Tx,
  userId: UserId,
  row: { readonly version: number; readonly switchedOff: Topic[] },
  changes: readonly Change[],
): Promise<void> {
  await tx.update(preference).set(row).where(eq(preference.userId, userId))
  emit(tx, ...changes.map(change => preferencesChanged.of({ userId, ...change })))
}
