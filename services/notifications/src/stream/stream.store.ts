import type { UserId } from '@campus/contracts/ids'
import type { Tx } from '@campus/platform/data/postgres'
import { and, asc, eq, gt, inArray } from 'drizzle-orm'
import { inboxVersion, notification } from '../schema.ts'
import type { Listed } from './listed.ts'

/** What came to somebody's list after version `after`, the oldest first. */
export async function listedAfter(
  tx: Tx,
  userId: UserId,
  after: number,
  max: number,
): Promise<Listed[]> {
  const rows = await tx
    .select()
    .from(notification)
    .where(and(eq(notification.userId, userId), gt(notification.seq, after)))
    .orderBy(asc(notification.seq))
    .limit(max)
  return rows.map(row => ({ ...row, seq: row.seq ?? after }))
}

/** Versions of the lists of these people; who was never told anything is not among them. */
export async function versionsOf(
  tx: Tx,
  userIds: readonly UserId[],
): Promise<{ readonly userId: UserId; readonly version: number }[]> {
  return tx
    .select()
    .from(inboxVersion)
    .where(inArray(inboxVersion.userId, [...userIds]))
}
