import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { EventKind } from '@campus/contracts/envelope'
import { everyEvent } from '@campus/contracts/events/all'
import { type Topic, topics } from '@campus/contracts/topics'
import { root } from '../../local/services.ts'
import { moments } from './moments.ts'

/** Tells kinds of one type apart: `users.access_revoked.v1.session`, but `orders.order_placed.v1`. */
export function eventId({ type, aggregate }: EventKind): string {
  const isShared = everyEvent.filter(one => one.type === type).length > 1
  return isShared ? `${type}.${aggregate}` : type
}

/**
 * When an event is emitted, in a sentence: its entry in moments.ts, else the first paragraph of its doc
 * comment in contracts.
 *
 * @throws Error when there is neither
 */
export function momentOf({ type, aggregate }: EventKind): string {
  const moment = moments[type] ?? moments[`${type} ${aggregate}`] ?? commentOf(type)
  if (moment === undefined) throw new Error(`Nobody says when ${type} is emitted: comment on it.`)
  return moment
}

/** Entries of moments.ts about events that do not exist. */
export function strayMoments(): string[] {
  const known = new Set(everyEvent.flatMap(({ type, aggregate }) => [type, `${type} ${aggregate}`]))
  return Object.keys(moments).filter(name => !known.has(name))
}

/** The topic that a kind of event is published on. @throws Error when there is none */
export function topicFor(kind: EventKind): Topic {
  const found = topics.find(({ name }) => name === kind.topic)
  if (found === undefined) throw new Error(`${kind.type} is on ${kind.topic}, which is no topic.`)
  return found
}

/** What a topic keeps and how long, for people: `records for 30 days`. */
export function retentionOf({ config }: Topic): string {
  const policy = config['cleanup.policy'] ?? ''
  const ms = Number(config['retention.ms'] ?? -1)
  const hours = ms / 3_600_000
  const time = hours < 48 ? `${hours} h` : `${hours / 24} days`
  const isKept = ms < 0
  if (policy === 'compact') return 'the last value of each key'
  if (policy === 'delete') return isKept ? 'records for ever' : `records for ${time}`
  return `the last value of each key for ${time}`
}

/** The first paragraph of the doc comment before the declaration of a type. */
function commentOf(type: string): string | undefined {
  const [service = ''] = type.split('.')
  const text = readFileSync(join(root, `contracts/src/events/${service}.ts`), 'utf8')
  const at = text.indexOf(`type: '${type}'`)
  const before = text.slice(0, text.lastIndexOf('export const', at))
  const [, comment] = /\/\*\*\s*((?:(?!\*\/)[^])*)\*\/\s*$/.exec(before) ?? []
  return comment
    ?.split('\n\n')[0]
    ?.replaceAll(/\s*\n\s*\*?\s*/g, ' ')
    .trim()
}
