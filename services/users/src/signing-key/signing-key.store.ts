import type { Tx } from '@campus/platform/data/postgres'
import { asc, gt, isNull, or, sql } from 'drizzle-orm'
import { signingKey } from '../schema.ts'
import type { SigningKey } from './signing-key.ts'

/** Keys that verifiers may still meet, the oldest first. */
export async function shownKeys(tx: Tx, now: Date): Promise<SigningKey[]> {
  return tx
    .select()
    .from(signingKey)
    .where(or(isNull(signingKey.shownUntil), gt(signingKey.shownUntil, now)))
    .orderBy(asc(signingKey.createdAt))
}

/** Lets one replica at a time decide about keys, until the end of the transaction. */
export async function lockKeys(tx: Tx): Promise<void> {
  await tx.execute(sql`select pg_advisory_xact_lock(hashtext('users.signing_key'))`)
}

export async function insertKey(tx: Tx, key: SigningKey): Promise<void> {
  await tx.insert(signingKey).values(key)
}
