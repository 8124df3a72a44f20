import { sql } from 'drizzle-orm'
import type { Tx } from '../data/postgres.ts'

/** What the inbox needs to know of an event. */
export interface Arrival {
  readonly id: string
  readonly key: string
  readonly version: number
  /** Whether the consumer handles it; of the others only the version is noted. */
  readonly isHeard: boolean
}

/** What a consumer knew before these arrivals. */
export interface Entry {
  /** Events that it has not applied before; another delivery of the others changes nothing. */
  readonly fresh: ReadonlySet<string>
  /** The version of each aggregate up to which it had seen it; absent: never. */
  readonly seen: ReadonlyMap<string, number>
  /** Keys of which an event is parked. */
  readonly parked: ReadonlySet<string>
}

/**
 * Notes that `consumer` applies these events in this transaction, and the highest version of each
 * aggregate that is not parked. One statement, because every event of the mesh passes here: it takes
 * for granted that the versions follow each other; `correctSeen` is for when they do not.
 */
export async function enter(
  tx: Tx,
  { consumer, topic, isOrdered }: ConsumedTopic,
  arrivals: readonly Arrival[],
): Promise<Entry> {
  const { rows } = await tx.execute<{
    fresh: string[] | null
    seen: Record<string, number> | null
    parked: string[] | null
  }>(sql`
    with arrival as (
      select * from unnest(
        ${sql.param(arrivals.map(({ id }) => id))}::uuid[],
        ${sql.param(arrivals.map(({ key }) => key))}::text[],
        ${sql.param(arrivals.map(({ version }) => version))}::int[],
        ${sql.param(arrivals.map(({ isHeard }) => isHeard))}::bool[]) a(id, key, version, is_heard)
    ), fresh as (
      insert into inbox (event_id, consumer)
      select distinct id, ${consumer} from arrival where is_heard order by id
      on conflict do nothing returning event_id
    ), parked as (
      select aggregate_key from parked_key where consumer = ${consumer} and topic = ${topic}
        and aggregate_key in (select key from arrival)
    ), before as (
      select aggregate_key, version from seen_version where consumer = ${consumer} and topic = ${topic}
        and aggregate_key in (select key from arrival)
    ), after as (
      insert into seen_version as s (consumer, topic, aggregate_key, version)
      select ${consumer}, ${topic}, key, max(version) from arrival
      where ${isOrdered} and key not in (select aggregate_key from parked)
      group by key order by key
      on conflict (consumer, topic, aggregate_key)
      do update set version = excluded.version, at = now() where s.version < excluded.version
    )
    select (select array_agg(event_id) from fresh) as fresh,
      (select jsonb_object_agg(aggregate_key, version) from before) as seen,
      (select array_agg(aggregate_key) from parked) as parked`)
  const [row] = rows
  return {
    fresh: new Set(row?.fresh),
    seen: new Map(Object.entries(row?.seen ?? {})),
    parked: new Set(row?.parked),
  }
}

/** One topic as one consumer hears it. */
export interface ConsumedTopic {
  readonly consumer: string
  readonly topic: string
  /** Whether versions have no gaps there; on a compacted topic they do. */
  readonly isOrdered: boolean
}

/** Sets how far a consumer has really come with aggregates; undefined: not even the first event. */
export async function correctSeen(
  tx: Tx,
  { consumer, topic }: ConsumedTopic,
  versions: ReadonlyMap<string, number | undefined>,
): Promise<void> {
  for (const [key, version] of versions) {
    await tx.execute(
      version === undefined
        ? sql`delete from seen_version
            where consumer = ${consumer} and topic = ${topic} and aggregate_key = ${key}`
        : sql`insert into seen_version (consumer, topic, aggregate_key, version)
            values (${consumer}, ${topic}, ${key}, ${version})
            on conflict (consumer, topic, aggregate_key)
            do update set version = excluded.version, at = now()`,
    )
  }
}

/** Notes an event that will never be applied as it is, so that another delivery changes nothing. */
export async function refuseEntry(tx: Tx, consumer: string, eventId: string): Promise<void> {
  await tx.execute(sql`insert into inbox (event_id, consumer) values (${eventId}, ${consumer})
    on conflict do nothing`)
}

/**
 * Creates the inbox and archive partitions of the coming days and drops the old ones.
 *
 * @param days.inbox must exceed the finite retention of topics, or a late duplicate is applied again
 */
export async function keepPartitions(
  tx: Tx,
  days: { readonly inbox: number; readonly archive: number },
): Promise<void> {
  await tx.execute(sql`select keep_event_partitions(${days.inbox}, ${days.archive})`)
}
