import type { NotificationId, UserId } from '@campus/contracts/ids'
import type { Tx } from '@campus/platform/data/postgres'
import { and, desc, eq, inArray, isNull, lt, type SQL, sql } from 'drizzle-orm'
import { notification } from '../schema.ts'
import { type Notification, type UnreadCount, unreadCountMax } from './notification.ts'

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
        eq(notification.isListed, true),
        isUnread ? isNull(notification.readAt) : undefined,
        after === undefined ? undefined : lt(notification.id, after),
      ),
    )
    .orderBy(desc(notification.id))
    .limit(max)
}

/** Unread notifications of a person, counted up to `unreadCountMax`, and the version they are of. */
export async function countUnread(tx: Tx, userId: UserId): Promise<UnreadCount> {
  // One statement, one snapshot: the count belongs to the version.
  const { rows } = await tx.execute<{ count: number; version: number }>(sql`
    select (select count(*) from (
        select from notification where user_id = ${userId} and read_at is null
        limit ${unreadCountMax}) unread)::int as count,
      coalesce((select version from inbox_version where user_id = ${userId}), 0) as version`)
  return rows[0] ?? { count: 0, version: 0 }
}

/** The next version of somebody's list. To be raised before the list is changed. */
export async function raiseVersion(tx: Tx, userId: UserId): Promise<number> {
  return (await raiseVersions(tx, new Map([[userId, 1]]))).get(userId) ?? 0
}

/** Raises the versions of several lists by so many each. @returns the versions after that */
export async function raiseVersions(
  tx: Tx,
  by: ReadonlyMap<UserId, number>,
): Promise<Map<UserId, number>> {
  if (by.size === 0) return new Map()
  // In the order of ids, so that two who raise the same lists cannot wait for each other.
  const { rows } = await tx.execute<{ user_id: UserId; version: number }>(sql`
    insert into inbox_version as v (user_id, version)
    select user_id, count from unnest(
      ${sql.param([...by.keys()])}::uuid[], ${sql.param([...by.values()])}::int[]
    ) r(user_id, count) order by user_id
    on conflict (user_id) do update set version = v.version + excluded.version
    returning v.user_id, v.version`)
  return new Map(rows.map(row => [row.user_id, row.version]))
}

/** Marks one as read; the first time counts. @returns undefined for somebody else's */
export async function markRead(
  tx: Tx,
  { id, userId }: { readonly id: NotificationId; readonly userId: UserId },
  now: Date,
): Promise<Notification | undefined> {
  const isOwn = and(
    eq(notification.id, id),
    eq(notification.userId, userId),
    eq(notification.isListed, true),
  )
  const [row] = await read(tx, isOwn, now)
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
