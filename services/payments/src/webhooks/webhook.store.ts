import type { AnyId } from '@campus/contracts/ids'
import type { Tx } from '@campus/platform/data/postgres'
import { sql } from 'drizzle-orm'
import { webhook } from '../schema.ts'

/** Notes a webhook as applied. @returns false when it was noted before */
export async function enterWebhook(tx: Tx, id: AnyId, now: Date): Promise<boolean> {
  const { rowCount } = await tx
    .insert(webhook)
    .values({ id, receivedAt: now })
    .onConflictDoNothing()
  return rowCount === 1
}

/** Forgets at most `max` webhooks that came before `before`. @returns how many */
export async function deleteWebhooks(tx: Tx, before: Date, max: number): Promise<number> {
  const { rowCount } = await tx.execute(sql`
    delete from webhook where id in (
      select id from webhook where received_at < ${before.toISOString()}
      order by received_at limit ${max} for update skip locked)`)
  return rowCount ?? 0
}
