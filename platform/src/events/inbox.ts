import { sql } from 'drizzle-orm'
import type { Tx } from '../data/postgres.ts'

/** What the inbox needs to know of an event. */
export interface Arrival {
  readonly id: string
  readonly topic: string
  readonly key: string
  readonly version: number
  /** Whether the consumer handles it; of the others only the version is noted. */
  readonly isHeard: boolean
  /** Whether versions have no gaps on its topic; on a compacted one they do. */
  readonly isOrdered: boolean
}

/** What a consumer knew before these arrivals. */
export interface Entry {
  /** Events that it has not applied before; another delivery of the others changes nothing. */
  readonly fresh: ReadonlySet<string>
  /** The version of each aggregate up to which it had seen it; absent: never. By `aggregateOf`. */
  readonly seen: ReadonlyMap<string, number>
  /** Aggregates of which an event is parked. By `aggregateOf`. */
  readonly parked: ReadonlySet<string>
}

/** One name for an aggregate among those of all topics. */
export function aggregateOf({ topic, key }: { topic: string; key: string }): string {
  return `${topic} ${key}`
}

/**
 * Notes that `consumer` applies these events in this transaction, and the highest version of each
 * aggregate that is not parked. One statement, because every event of the mesh passes here: it takes
 * for granted that the versions follow each other; `correctSeen` is for when they do not.
 */
export async function enter(
  tx: Tx,
  consumer: string,
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
        ${sql.param(arrivals.map(({ topic }) => topic))}::text[],
        ${sql.param(arrivals.map(({ key }) => key))}::text[],
        ${sql.param(arrivals.map(({ version }) => version))}::int[],
        ${sql.param(arrivals.map(({ isHeard }) => isHeard))}::bool[],
        ${sql.param(arrivals.map(({ isOrdered }) => isOrdered))}::bool[]
      ) a(id, topic, key, version, is_heard, is_ordered)
    ), fresh as (
      insert into inbox (event_id, consumer)
      select distinct id, ${consumer} from arrival where is_heard order by id
      on conflict do nothing returning event_id
    ), aggregate as (
      select topic, key, is_ordered, max(version) as version from arrival group by topic, key, is_ordered
    ), parked as (
      select p.topic, p.aggregate_key as key from parked_key p
      join aggregate a on p.topic = a.topic and p.aggregate_key = a.key
      where p.consumer = ${consumer}
    ), before as (
      select s.topic, s.aggregate_key as key, s.version from seen_version s
      join aggregate a on s.topic = a.topic and s.aggregate_key = a.key
      where s.consumer = ${consumer}
    ), after as (
      insert into seen_version as s (consumer, topic, aggregate_key, version)
      select ${consumer}, topic, key, version from aggregate
      where is_ordered and (topic, key) not in (select topic, key from parked)
      order by topic, key
      on conflict (consumer, topic, aggregate_key)
      do update set version = excluded.version, at = now() where s.version < excluded.version
    )
    select (select array_agg(event_id) from fresh) as fresh,
      (select jsonb_object_agg(topic || ' ' || key, version) from before) as seen,
      (select array_agg(topic || ' ' || key) from parked) as parked`)
  const [row] = rows
  return {
    fresh: new Set(row?.fresh),
    seen: new Map(Object.entries(row?.seen ?? {})),
    parked: new Set(row?.parked),
  }
}

/** Sets how far a consumer has really come with an aggregate; undefined: not even the first event. */
export async function correctSeen(
  tx: Tx,
  { consumer, topic, key }: { consumer: string; topic: string; key: string },
  version: number | undefined,
): Promise<void> {
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
