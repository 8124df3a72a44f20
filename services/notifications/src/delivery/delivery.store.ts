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
import { delivery, notification, profileCopy } from '../schema.ts'
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
 * Notes a notification and its delivery by mail, and has the mail sent once the address is known.
 * The same event told to the same person again does nothing: N1.
 *
 * @returns whether it is new
 */
export async function insertNotification(tx: Tx, row: NewNotification): Promise<boolean> {
  const { id, deliveryId, userId, category, sourceEventId, sourceType, isMailed } = row
  const now = row.now.toISOString()
  const isListed = row.seq !== undefined
  // One statement: nobody can see a notification whose delivery is missing. What is not listed counts
  // as read, so that it is neither counted nor kept longer than the rest.
  const { rows } = await tx.execute<{ state: DeliveryState }>(sql`
    with made as (
      insert into notification (id, user_id, category, message, source_event_id, source_type,
        created_at, seq, is_listed, read_at)
      values (${id}, ${userId}, ${category}, ${JSON.stringify(row.message)}::jsonb,
        ${sourceEventId}, ${sourceType}, ${now}::timestamptz, ${row.seq ?? null}::int, ${isListed},
        ${isListed ? null : now}::timestamptz)
      on conflict (source_event_id, user_id) do nothing
      returning id
    )
    insert into delivery (id, notification_id, user_id, channel, state, expires_at, created_at, settled_at)
    select ${deliveryId}, made.id, ${userId}, 'mail',
      case when not ${isMailed}::boolean then 'suppressed'
        when exists (select from profile_copy where user_id = ${userId}) then 'pending'
        else 'waiting' end,
      ${row.expiresAt.toISOString()}::timestamptz, ${now}::timestamptz,
      ${isMailed ? null : now}::timestamptz
    from made
    returning state`)
  const [made] = rows
  if (made === undefined) return false
  if (made.state === 'pending') enqueueMail(tx, deliveryId)
  emit(
    tx,
    notificationCreated.of({
      notificationId: id,
      userId,
      category,
      sourceEventId: asId<AnyId>(sourceEventId),
      sourceType,
    }),
  )
  return true
}

/**
 * Gives a mail up that its recipient has switched off since it was decided: N2.
 *
 * @returns whether it was given up; its effect has nothing left to do then, and nothing to tell
 */
export async function suppressUnwanted(tx: Tx, id: DeliveryId): Promise<boolean> {
  const { rows } = await tx.execute(sql`
    update delivery d set state = 'suppressed', settled_at = now()
    from notification n, preference p
    where d.id = ${id} and d.state = 'pending' and n.id = d.notification_id
      and p.user_id = d.user_id and n.category || ':' || d.channel = any (p.switched_off)
    returning d.id`)
  return rows.length > 0
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
  readonly expiresAt: Date
  /** null for a person who was erased. */
  readonly profile: Profile | null
}

/** Undefined for a delivery that is not there any more. */
export async function findOutgoing(tx: Tx, id: DeliveryId): Promise<Outgoing | undefined> {
  const [row] = await tx
    .select({
      message: notification.message,
      expiresAt: delivery.expiresAt,
      email: profileCopy.email,
      name: profileCopy.name,
      locale: profileCopy.locale,
    })
    .from(delivery)
    .innerJoin(notification, eq(notification.id, delivery.notificationId))
    .leftJoin(profileCopy, eq(profileCopy.userId, delivery.userId))
    .where(eq(delivery.id, id))
  if (row === undefined) return undefined
  const { message, expiresAt, email, name, locale } = row
  const isKnown = email !== null && name !== null && locale !== null
  return { message, expiresAt, profile: isKnown ? { email, name, locale } : null }
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
