import { sql } from 'drizzle-orm'
import type { Clock } from '../clock.ts'
import type { Postgres } from '../data/postgres.ts'
import type { Logger } from '../process/logger.ts'
import type { Past } from './apply.ts'
import type { ConsumerDefinition } from './consumer.ts'
import type { Kafka } from './kafka.ts'

// What a consumer group must know of its past before it joins:
//
//   - The inbox must remember longer than any topic that forgets, or a late duplicate is applied again.
//   - A new consumer has a birth position: what lies below only builds its state ("bootstrap"), and old
//     effects are not carried out, so that nobody is mailed about last year. Beside a consumer that has
//     committed offsets it would miss everything before them, so it must have a group of its own.
//   - A known consumer whose offsets are lost begins at the first offset again; the inbox absorbs it, and
//     what is older than the inbox counts as applied.

const dayMs = 86_400_000
/** How much longer than its topics the inbox must remember. */
const inboxReserveMs = 7 * dayMs

/** The configuration contradicts the events that are there; waiting does not help. */
export class ConsumerRefused extends Error {
  override readonly name = 'ConsumerRefused'
}

export interface PastOptions {
  readonly postgres: Postgres
  readonly kafka: Kafka
  readonly clock: Clock
  readonly logger: Logger
  readonly group: string
  readonly consumers: readonly ConsumerDefinition[]
  /** Days for which the inbox remembers what was applied. */
  readonly inboxDays: number
}

/** The past of the consumers of one group. */
export interface GroupPast extends Past {
  /** Notes consumers that have caught up with their birth. */
  refresh(): Promise<void>
  /** An event that is so old now would soon be forgotten by the inbox: the group is too late. */
  isTooLate(topic: string, timestamp: Date): boolean
}

interface Position {
  readonly low: bigint
  readonly high: bigint
  /** −1: none. */
  readonly committed: bigint
}

/**
 * Looks at topics, offsets and the consumers' own notes.
 *
 * @throws ConsumerRefused when the group must not start
 */
export async function openPast(options: PastOptions): Promise<GroupPast> {
  const { postgres, clock, group, consumers } = options
  const topics = [...new Set(consumers.flatMap(topicsOf))]
  await Promise.all(topics.map(topic => checkRetention(options, topic)))
  // Offsets before notes: another replica writes its notes first, so offsets without notes are old.
  const positions = new Map<string, Map<number, Position>>()
  await Promise.all(
    topics.map(async topic => positions.set(topic, await positionsOf(options, topic))),
  )
  const births = new Map<string, Birth>()
  for (const consumer of consumers) {
    births.set(consumer.name, await birthOf(options, consumer, positions))
  }
  const live = new Set(consumers.filter(c => c.onBootstrap === 'live').map(c => c.name))
  const isLost = new Set(
    topics.filter(topic => [...(positions.get(topic) ?? [])].every(([, p]) => p.committed < 0n)),
  )
  reportLosses(options, positions)

  return {
    phaseOf(consumer, { topic, partition, offset }) {
      const birth = births.get(consumer)
      if (birth === undefined || offset >= (birth.at.get(`${topic} ${partition}`) ?? 0n)) {
        return 'live'
      }
      if (live.has(consumer)) return 'skip'
      return birth.isOver ? 'live' : 'bootstrap'
    },
    isForgotten: eventId => timeOf(eventId) < clock.now().getTime() - options.inboxDays * dayMs,
    isTooLate(topic, timestamp) {
      // Offsets that were lost, and a consumer that is being born, begin far back on purpose.
      const isCatchingUp = isLost.has(topic) || [...births.values()].some(({ isOver }) => !isOver)
      const ageMs = clock.now().getTime() - timestamp.getTime()
      return !isCatchingUp && ageMs > options.inboxDays * dayMs - inboxReserveMs
    },
    async refresh() {
      const young = [...births].filter(([, { isOver }]) => !isOver)
      if (young.length === 0) return
      const fresh = new Map<string, Map<number, Position>>()
      await Promise.all(
        topics.map(async topic => fresh.set(topic, await positionsOf(options, topic))),
      )
      for (const [name, birth] of young) {
        if (!hasReached(birth, fresh)) continue
        await postgres.read(tx =>
          tx.execute(sql`update consumer_state set bootstrapped_at = now()
            where consumer = ${name} and bootstrapped_at is null`),
        )
        births.set(name, { ...birth, isOver: true })
        options.logger.info({ consumer: name, group }, 'consumer has caught up with its birth')
      }
    },
  }
}

interface Birth {
  /** By `topic partition`: the first offset that is not of the past. */
  readonly at: ReadonlyMap<string, bigint>
  readonly isOver: boolean
}

function topicsOf(consumer: ConsumerDefinition): string[] {
  return consumer.handlers.map(({ kind }) => kind.topic)
}

async function checkRetention({ kafka, inboxDays }: PastOptions, topic: string): Promise<void> {
  const described = await kafka.admin.describe(topic)
  if (described === undefined) throw new Error(`There is no topic ${topic}.`)
  const policy = described.config['cleanup.policy'] ?? 'delete'
  const retentionMs = Number(described.config['retention.ms'] ?? -1)
  if (!policy.includes('delete') || retentionMs < 0) return
  const needed = Math.ceil((retentionMs + inboxReserveMs) / dayMs)
  if (inboxDays >= needed) return
  throw new ConsumerRefused(
    `The inbox remembers ${inboxDays} days, but ${topic} keeps events so long that it must remember ` +
      `${needed}: set INBOX_RETENTION_DAYS to at least ${needed}.`,
  )
}

async function positionsOf(
  { kafka, group }: PastOptions,
  topic: string,
): Promise<Map<number, Position>> {
  const [ends, committed] = await Promise.all([
    kafka.admin.offsets(topic),
    kafka.admin.committed(group, topic),
  ])
  const known = new Map(committed.map(({ partition, offset }) => [partition, offset]))
  return new Map(
    ends.map(({ partition, low, high }) => [
      partition,
      { low, high, committed: known.get(partition) ?? -1n },
    ]),
  )
}

async function birthOf(
  { postgres, group }: PastOptions,
  consumer: ConsumerDefinition,
  positions: ReadonlyMap<string, ReadonlyMap<number, Position>>,
): Promise<Birth> {
  const own = [...new Set(topicsOf(consumer))].flatMap(topic =>
    [...(positions.get(topic) ?? [])].map(([partition, at]) => ({
      name: `${topic} ${partition}`,
      ...at,
    })),
  )
  const hasOffsets = own.some(({ committed }) => committed >= 0n)
  const born = Object.fromEntries(own.map(({ name, high }) => [name, String(high)]))
  const isOver = own.every(({ low, high }) => low >= high)
  const known = await noteOf(postgres, consumer.name)
  if (known !== undefined) return known
  if (hasOffsets) {
    throw new ConsumerRefused(
      `${consumer.name} is new, but its group ${group} has committed offsets: it would miss what lies ` +
        'before them. Give the consumer a group of its own.',
    )
  }
  await postgres.read(tx =>
    tx.execute(sql`
      insert into consumer_state (consumer, born_at, bootstrapped_at)
      values (${consumer.name}, ${JSON.stringify(born)}::jsonb, case when ${isOver} then now() end)
      on conflict (consumer) do update set
        born_at = coalesce(consumer_state.born_at, excluded.born_at),
        bootstrapped_at = coalesce(consumer_state.bootstrapped_at, excluded.bootstrapped_at)`),
  )
  const noted = await noteOf(postgres, consumer.name)
  if (noted === undefined) throw new Error(`The birth of ${consumer.name} was not noted.`)
  return noted
}

async function noteOf(postgres: Postgres, consumer: string): Promise<Birth | undefined> {
  const { rows } = await postgres.read(tx =>
    tx.execute<{ born_at: Record<string, string> | null; is_over: boolean }>(sql`
      select born_at, bootstrapped_at is not null as is_over from consumer_state
      where consumer = ${consumer} and born_at is not null`),
  )
  const [row] = rows
  if (row === undefined) return undefined
  const at = Object.entries(row.born_at ?? {}).map(
    ([name, offset]) => [name, BigInt(offset)] as const,
  )
  return { at: new Map(at), isOver: row.is_over }
}

function hasReached(
  birth: Birth,
  positions: ReadonlyMap<string, ReadonlyMap<number, Position>>,
): boolean {
  return [...positions].every(([topic, partitions]) =>
    [...partitions].every(([partition, { low, committed }]) => {
      const born = birth.at.get(`${topic} ${partition}`) ?? 0n
      return committed >= born || low >= born
    }),
  )
}

/** Events that Kafka deleted before the group had consumed them: the order guard finds their keys. */
function reportLosses(
  { logger, group }: PastOptions,
  positions: ReadonlyMap<string, ReadonlyMap<number, Position>>,
): void {
  for (const [topic, partitions] of positions) {
    for (const [partition, { low, committed }] of partitions) {
      if (committed < 0n || committed >= low) continue
      logger.error(
        { group, topic, partition, from: String(committed), to: String(low) },
        'events were deleted from the topic before they were consumed',
      )
    }
  }
}

/** Milliseconds since 1970 of a UUIDv7. */
function timeOf(eventId: string): number {
  return Number.parseInt(eventId.slice(0, 8) + eventId.slice(9, 13), 16)
}
