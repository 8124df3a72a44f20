import type { Event } from '@campus/contracts/envelope'
import type { DeliveryId, NotificationId, UserId } from '@campus/contracts/ids'
import type { Tx } from '@campus/platform/data/postgres'
import { newId } from '@campus/platform/new-id'
import { categoryOf, type Message, untilOf } from '../message/message.ts'
import { insertNotification } from './delivery.store.ts'
import { type Silence, silenceOf } from './delivery.ts'

export interface NotifyDeps {
  /** Counts what is not told. */
  readonly onSilence: (category: string, silence: Silence) => void
}

/** Tells one person about one event, in the product and by mail, or counts why not. */
export async function notify(
  tx: Tx,
  { onSilence }: NotifyDeps,
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
  await insertNotification(tx, {
    id: newId<NotificationId>(),
    deliveryId: newId<DeliveryId>(),
    userId,
    category,
    message,
    sourceEventId: event.id,
    sourceType: event.type,
    expiresAt,
    now,
  })
}
