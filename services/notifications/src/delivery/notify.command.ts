import type { Event } from '@campus/contracts/envelope'
import type { DeliveryId, NotificationId, UserId } from '@campus/contracts/ids'
import { onCommit, type Tx, writeTogether } from '@campus/platform/data/postgres'
import { newId } from '@campus/platform/new-id'
import { currentFlow, type Flow, withFlow } from '@campus/platform/process/flow'
import { type Category, categoryOf, type Message, untilOf } from '../message/message.ts'
import type { Channels } from '../preferences/preference.ts'
import { announce, insertNotifications, type NewNotification } from './delivery.store.ts'
import { type Silence, silenceOf } from './delivery.ts'
import { noteOwners, ownersOf } from './owner.store.ts'
import { nameOf, type Subject } from './subject.ts'

export interface NotifyDeps {
  /** Where people want news of each category. */
  readonly channelsOf: (
    tx: Tx,
    userIds: readonly UserId[],
  ) => Promise<(userId: UserId, category: Category) => Channels>
  /** Raises the versions of people's lists by so many each. @returns the versions after that */
  readonly raiseVersions: (
    tx: Tx,
    by: ReadonlyMap<UserId, number>,
  ) => Promise<ReadonlyMap<UserId, number>>
  /** The list of somebody has reached this version. */
  readonly onListed: (userId: UserId, version: number) => void
  /** Counts what is not told. */
  readonly onSilence: (category: string, silence: Silence) => void
}

/** News for one person: of whom, or of the owner of the first of these subjects that is known. */
export interface News {
  readonly event: Event
  readonly to: UserId | readonly Subject[]
  readonly message: Message
  readonly now: Date
}

/** What a transaction hears; all of it is told at its end, together. */
export interface Teller {
  /** Notes whose `subject` is; the first word counts, also for news that came before it. */
  readonly owns: (tx: Tx, subject: Subject, userId: UserId, now: Date) => void
  /** Tells one person about one event, in the product and by mail, or counts why not. */
  readonly notify: (tx: Tx, news: News) => void
}

/** Makes a teller. */
export function createTeller(deps: NotifyDeps): Teller {
  const note = writeTogether(noteOwners)
  const tell = writeTogether<Heard>((tx, heard) => tellAll(tx, deps, heard))
  return {
    owns(tx, subject, userId, now) {
      note(tx, { ...subject, userId, createdAt: now })
    },
    notify(tx, news) {
      tell(tx, { ...news, flow: currentFlow() })
    },
  }
}

interface Heard extends News {
  readonly flow: Flow | undefined
}

/** News that somebody is told. */
interface Addressed extends Heard {
  readonly userId: UserId
  readonly category: Category
  readonly expiresAt: Date
}

async function tellAll(tx: Tx, deps: NotifyDeps, heard: readonly Heard[]): Promise<void> {
  const owners = await ownersOf(
    tx,
    heard.flatMap(({ to }) => (typeof to === 'string' ? [] : to)),
  )
  const addressed = heard.flatMap(news => address(deps, news, owners))
  if (addressed.length === 0) return
  const channelsFor = await deps.channelsOf(tx, [...new Set(addressed.map(n => n.userId))])
  const wanted = addressed.flatMap(news => {
    const channels = channelsFor(news.userId, news.category)
    if (channels.mail || channels.in_app) return [{ ...news, channels }]
    deps.onSilence(news.category, 'switched_off')
    return []
  })
  if (wanted.length === 0) return
  // Before the rows are written, so that the order of versions is the order of commits.
  const by = new Map<UserId, number>()
  const listed = wanted.filter(({ channels }) => channels.in_app)
  for (const { userId } of listed) by.set(userId, (by.get(userId) ?? 0) + 1)
  const versions = new Map(await deps.raiseVersions(tx, by))
  for (const [userId, count] of by) versions.set(userId, (versions.get(userId) ?? 0) - count)
  const rows = wanted.map(
    ({ event, userId, category, message, expiresAt, now, channels, flow }) => {
      const seq = channels.in_app ? (versions.get(userId) ?? 0) + 1 : undefined
      if (seq !== undefined) versions.set(userId, seq)
      const row: NewNotification = {
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
      }
      return { row, flow }
    },
  )
  const states = await insertNotifications(
    tx,
    rows.map(({ row }) => row),
  )
  for (const { row, flow } of rows) {
    const state = states.get(row.id)
    if (state === undefined) continue
    if (flow === undefined) announce(tx, row, state)
    else withFlow(flow, () => announce(tx, row, state))
    const { userId, seq } = row
    if (seq !== undefined) onCommit(tx, () => deps.onListed(userId, seq))
  }
}

function address(
  { onSilence }: NotifyDeps,
  news: Heard,
  owners: ReadonlyMap<string, UserId>,
): Addressed[] {
  const { event, to, message, now } = news
  const category = categoryOf(message)
  const expiresAt = untilOf(category, event.time)
  const userId =
    typeof to === 'string' ? to : to.map(subject => owners.get(nameOf(subject))).find(Boolean)
  if (userId === undefined) {
    onSilence(category, 'owner_unknown')
    return []
  }
  const silence = silenceOf({ replayId: event.replayId, until: expiresAt }, now)
  if (silence === undefined) return [{ ...news, userId, category, expiresAt }]
  onSilence(category, silence)
  return []
}
