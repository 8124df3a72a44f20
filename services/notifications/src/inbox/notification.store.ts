import type { NotificationId, UserId } from '@campus/contracts/ids'
import type { Tx } from '@campus/platform/data/postgres'
import { and, desc, eq, inArray, isNull, lt, type SQL, sql } from 'drizzle-orm'
import { notification } from '../schema.ts'
import { type Notification, unreadCountMax } from './notification.ts'

/** Notifications of a person, the newest first. */
export async function notificationsOf(
  tx: Tx,
  { userId, isUnread }: { readonly userId: UserId; readonly isUnread: boolean },
  after: NotificationId | undefined,
  max: number,
): Promise<Notification[]> {
  return tx
    .select()
    .from(notification)
    .where(
      and(
        eq(notification.userId, userId),
        isUnread ? isNull(notification.readAt) : undefined,
        after === undefined ? undefined : lt(notification.id, after),
      ),
    )
    .orderBy(desc(notification.id))
    .limit(max)
}

/** Unread notifications of a person, counted up to `unreadCountMax`. */
export async function countUnread(tx: Tx, userId: UserId): Promise<number> {
  const { rows } = await tx.execute<{ count: number }>(sql`
    select count(*)::int as count from (
      select from notification where user_id = ${userId} and read_at is null
      limit ${unreadCountMax}) unread`)
  return rows[0]?.count ?? 0
}

/** Marks one as read; the first time counts. @returns undefined for somebody else's */
export async function markRead(
  tx: Tx,
  { id, userId }: { readonly id: NotificationId; readonly userId: UserId },
  now: Date,
): Promise<Notification | undefined> {
  const [row] = await read(tx, and(eq(notification.id, id), eq(notification.userId, userId)), now)
  return row
}

/** Marks all of a person as read. */
export async function markAllRead(tx: Tx, userId: UserId, now: Date): Promise<void> {
  await read(tx, and(eq(notification.userId, userId), isNull(notification.readAt)), now)
}

/** Forgets what was read before `before`. @returns how many, at most `max` */
export async function deleteRead(tx: Tx, before: Date, max: number): Promise<number> {
  const old = tx
    .select({ id: notification.id })
    .from(notification)
    .where(lt(notification.readAt, before))
    .limit(max)
    .for('update', { skipLocked: true })
  const { rowCount } = await tx.delete(notification).where(inArray(notification.id, old))
  return rowCount ?? 0
}

async function read(tx: Tx, which: SQL | undefined, now: Date): Promise<Notification[]> {
  const readAt = sql`coalesce(${notification.readAt}, ${now.toISOString()}::timestamptz)`
  return tx.update(notification).set({ readAt }).where(which).returning()
}
