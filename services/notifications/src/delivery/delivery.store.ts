import {
  deliveryFailed,
  deliverySucceeded,
  notificationCreated,
} from '@campus/contracts/events/notifications'
import {
  type AnyId,
  asId,
  type DeliveryId,
  type NotificationId,
  type UserId,
} from '@campus/contracts/ids'
import type { Tx } from '@campus/platform/data/postgres'
import { enqueueEffect } from '@campus/platform/events/effects'
import { emit } from '@campus/platform/events/outbox'
import { and, eq, sql } from 'drizzle-orm'
import type { Category, Message } from '../message/message.ts'
import type { Profile } from '../profile/profile.ts'
import { delivery, notification, preference, profileCopy } from '../schema.ts'
import type { DeliveryState } from './delivery.ts'

/** Kind of the effects that send a delivery by mail. */
export const mailKind = 'mail'

/** Something to tell one person about one event. */
export interface NewNotification {
  readonly id: NotificationId
  readonly deliveryId: DeliveryId
  readonly userId: UserId
  readonly category: Category
  readonly message: Message
  readonly sourceEventId: string
  readonly sourceType: string
  /** The version of the list that it brings; undefined when it is not listed. */
  readonly seq: number | undefined
  readonly isMailed: boolean
  readonly expiresAt: Date
  readonly now: Date
}

/**
 * Notes notifications and their deliveries by mail. The same event told to the same person again does
 * nothing: N1.
 *
 * @returns the states of the deliveries of those that are new
 */
export async function insertNotifications(
  tx: Tx,
  wanted: readonly NewNotification[],
): Promise<Map<NotificationId, DeliveryState>> {
  const column = <T>(of: (one: NewNotification) => T) => sql.param(wanted.map(of))
  // One statement: nobody can see a notification whose delivery is missing. What is not listed counts
  // as read, so that it is neither counted nor kept longer than the rest.
  const { rows } = await tx.execute<{ id: NotificationId; state: DeliveryState }>(sql`
    with wanted as (
      select * from unnest(
        ${column(w => w.id)}::uuid[], ${column(w => w.deliveryId)}::uuid[],
        ${column(w => w.userId)}::uuid[], ${column(w => w.category)}::text[],
        ${column(w => JSON.stringify(w.message))}::jsonb[], ${column(w => w.sourceEventId)}::uuid[],
        ${column(w => w.sourceType)}::text[], ${column(w => w.seq ?? null)}::int[],
        ${column(w => w.isMailed)}::bool[], ${column(w => w.expiresAt.toISOString())}::timestamptz[],
        ${column(w => w.now.toISOString())}::timestamptz[])
        with ordinality w(id, delivery_id, user_id, category, message, source_event_id, source_type,
          seq, is_mailed, expires_at, created_at, position)
    ), made as (
      insert into notification (id, user_id, category, message, source_event_id, source_type,
        created_at, seq, is_listed, read_at)
      select id, user_id, category, message, source_event_id, source_type, created_at, seq,
        seq is not null, case when seq is null then created_at end
      from wanted order by position
      on conflict (source_event_id, user_id) do nothing
      returning id
    )
    insert into delivery (id, notification_id, user_id, channel, state, expires_at, created_at, settled_at)
    select w.delivery_id, w.id, w.user_id, 'mail',
      case when not w.is_mailed then 'suppressed' when p.user_id is null then 'waiting'
        else 'pending' end,
      w.expires_at, w.created_at, case when not w.is_mailed then w.created_at end
    from wanted w join made using (id) left join profile_copy p on p.user_id = w.user_id
    returning notification_id as id, state`)
  return new Map(rows.map(({ id, state }) => [id, state]))
}

/** Publishes a new notification, and has its mail sent when the address is known. */
export function announce(tx: Tx, one: NewNotification, state: DeliveryState): void {
  const { id: notificationId, deliveryId, userId, category, sourceType } = one
  if (state === 'pending') enqueueMail(tx, deliveryId)
  const sourceEventId = asId<AnyId>(one.sourceEventId)
  emit(tx, notificationCreated.of({ notificationId, userId, category, sourceEventId, sourceType }))
}

/** Gives a mail up that its recipient does not want any more. */
export async function suppress(tx: Tx, id: DeliveryId): Promise<void> {
  await tx
    .update(delivery)
    .set({ state: 'suppressed', settledAt: sql`now()` })
    .where(and(eq(delivery.id, id), eq(delivery.state, 'pending')))
}

/**
 * Sends what waited for an address that has arrived since, at most `max` deliveries.
 *
 * Handlers of events and of profiles need no lock between them: whichever commits first, this finds
 * what they left.
 *
 * @returns how many
 */
export async function releaseWaiting(tx: Tx, max: number): Promise<number> {
  const { rows } = await tx.execute<{ id: DeliveryId }>(sql`
    update delivery set state = 'pending' where id in (
      select d.id from delivery d join profile_copy p using (user_id)
      where d.state = 'waiting' limit ${max} for update of d skip locked)
    returning id`)
  for (const { id } of rows) enqueueMail(tx, id)
  return rows.length
}

/** Gives deliveries up whose address did not arrive since `before`. @returns how many, at most `max` */
export async function giveUpWaiting(
  tx: Tx,
  { before, now, max }: { readonly before: Date; readonly now: Date; readonly max: number },
): Promise<number> {
  const { rows } = await tx.execute<{ id: DeliveryId; userId: UserId }>(sql`
    update delivery set state = 'failed', settled_at = ${now.toISOString()}::timestamptz where id in (
      select id from delivery
      where state = 'waiting' and created_at <= ${before.toISOString()}::timestamptz
      limit ${max} for update skip locked)
    returning id, user_id as "userId"`)
  emit(
    tx,
    ...rows.map(({ id, userId }) =>
      deliveryFailed.of({
        deliveryId: id,
        userId,
        channel: 'mail',
        attempt: 1,
        code: 'unreachable',
      }),
    ),
  )
  return rows.length
}

/** What a mail is made of. */
export interface Outgoing {
  readonly message: Message
  /** Its recipient has switched it off since it was decided: N2. */
  readonly isUnwanted: boolean
  readonly expiresAt: Date
  /** null for a person who was erased. */
  readonly profile: Profile | null
}

/** Undefined for a delivery that is not there any more. */
export async function findOutgoing(tx: Tx, id: DeliveryId): Promise<Outgoing | undefined> {
  const [row] = await tx
    .select({
      message: notification.message,
      isUnwanted: sql<boolean>`coalesce(${notification.category} || ':' || ${delivery.channel}
        = any (${preference.switchedOff}), false)`,
      expiresAt: delivery.expiresAt,
      email: profileCopy.email,
      name: profileCopy.name,
      locale: profileCopy.locale,
    })
    .from(delivery)
    .innerJoin(notification, eq(notification.id, delivery.notificationId))
    .leftJoin(profileCopy, eq(profileCopy.userId, delivery.userId))
    .leftJoin(preference, eq(preference.userId, delivery.userId))
    .where(eq(delivery.id, id))
  if (row === undefined) return undefined
  const { message, isUnwanted, expiresAt, email, name, locale } = row
  const isKnown = email !== null && name !== null && locale !== null
  return { message, isUnwanted, expiresAt, profile: isKnown ? { email, name, locale } : null }
}

/** How a delivery ended. */
export type Ending =
  | { readonly state: 'sent' }
  | { readonly state: 'failed'; readonly code: 'refused' | 'unreachable' }
  | { readonly state: 'ambiguous'; readonly code: 'ambiguous' }

/** Notes how a delivery ended and publishes it. */
export async function settleDelivery(
  tx: Tx,
  id: DeliveryId,
  attempt: number,
  ending: Ending,
): Promise<void> {
  const [row] = await tx
    .update(delivery)
    .set({ state: ending.state, attempts: attempt, settledAt: sql`now()` })
    .where(and(eq(delivery.id, id), eq(delivery.state, 'pending')))
    .returning({ userId: delivery.userId, channel: delivery.channel })
  if (row === undefined) return
  const fact = { deliveryId: id, ...row, attempt }
  emit(
    tx,
    ending.state === 'sent'
      ? deliverySucceeded.of(fact)
      : deliveryFailed.of({ ...fact, code: ending.code }),
  )
}

function enqueueMail(tx: Tx, deliveryId: DeliveryId): void {
  // The row holds an id and nothing else: address and text are read when the mail is sent, so that
  // an erased person leaves no trace among the effects.
  const dedupeKey = `${mailKind}:${deliveryId}`
  enqueueEffect(tx, { kind: mailKind, dedupeKey, payload: { deliveryId } })
}
