import type { Event } from '@campus/contracts/envelope'
import type { DeliveryId, NotificationId, UserId } from '@campus/contracts/ids'
import { onCommit, type Tx } from '@campus/platform/data/postgres'
import { newId } from '@campus/platform/new-id'
import { type Category, categoryOf, type Message, untilOf } from '../message/message.ts'
import type { Channels } from '../preferences/preference.ts'
import { insertNotification } from './delivery.store.ts'
import { type Silence, silenceOf } from './delivery.ts'

export interface NotifyDeps {
  /** Where somebody wants news of a category. */
  readonly channelsFor: (tx: Tx, userId: UserId, category: Category) => Promise<Channels>
  /** The next version of somebody's list. */
  readonly raiseVersion: (tx: Tx, userId: UserId) => Promise<number>
  /** The list of somebody has reached this version. */
  readonly onListed: (userId: UserId, version: number) => void
  /** Counts what is not told. */
  readonly onSilence: (category: string, silence: Silence) => void
}

/** Tells one person about one event, in the product and by mail, or counts why not. */
export async function notify(
  tx: Tx,
  { channelsFor, raiseVersion, onListed, onSilence }: NotifyDeps,
  news: {
    readonly event: Event
    readonly userId: UserId
    readonly message: Message
    readonly now: Date
  },
): Promise<void> {
  const { event, userId, message, now } = news
  const category = categoryOf(message)
  const expiresAt = untilOf(category, event.time)
  const silence = silenceOf({ replayId: event.replayId, until: expiresAt }, now)
  if (silence !== undefined) {
    onSilence(category, silence)
    return
  }
  const channels = await channelsFor(tx, userId, category)
  if (!channels.mail && !channels.in_app) {
    onSilence(category, 'switched_off')
    return
  }
  // Before the row is written, so that the order of versions is the order of commits.
  const seq = channels.in_app ? await raiseVersion(tx, userId) : undefined
  const isNew = await insertNotification(tx, {
    id: newId<NotificationId>(),
    deliveryId: newId<DeliveryId>(),
    userId,
    category,
    message,
    sourceEventId: event.id,
    sourceType: event.type,
    seq,
    isMailed: channels.mail,
    expiresAt,
    now,
  })
  if (isNew && seq !== undefined) onCommit(tx, () => onListed(userId, seq))
}
