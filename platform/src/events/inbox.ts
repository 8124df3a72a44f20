import { sql } from 'drizzle-orm'
import type { Tx } from '../data/postgres.ts'

/** What the inbox needs to know of an event. */
export interface Arrival {
  readonly id: string
  readonly key: string
  readonly version: number
}

/**
 * Notes that `consumer` applies these events in this transaction, and the highest version of each
 * aggregate that it has seen. One statement, because every event of the mesh passes here.
 *
 * @returns the ids that it has not applied before (another delivery of the others changes nothing),
 *   each with whether its key is parked
 */
export async function enter(
  tx: Tx,
  consumer: string,
  topic: string,
  arrivals: readonly Arrival[],
): Promise<ReadonlyMap<string, { readonly isParked: boolean }>> {
  const { rows } = await tx.execute<{ event_id: string; is_parked: boolean }>(sql`
    with arrival as (
      select * from unnest(
        ${sql.param(arrivals.map(({ id }) => id))}::uuid[],
        ${sql.param(arrivals.map(({ key }) => key))}::text[],
        ${sql.param(arrivals.map(({ version }) => version))}::int[]) a(id, key, version)
    ), fresh as (
      insert into inbox (event_id, consumer)
      select distinct id, ${consumer} from arrival order by id
      on conflict do nothing returning event_id
    ), parked as (
      select aggregate_key from parked_key where consumer = ${consumer} and topic = ${topic}
        and aggregate_key in (select key from arrival)
    ), seen as (
      insert into seen_version as s (consumer, topic, aggregate_key, version)
      select ${consumer}, ${topic}, key, max(version) from arrival
      where id in (select event_id from fresh) and key not in (select aggregate_key from parked)
      group by key order by key
      on conflict (consumer, topic, aggregate_key)
      do update set version = greatest(s.version, excluded.version), at = now()
    )
    select distinct event_id, key in (select aggregate_key from parked) as is_parked
    from fresh join arrival on id = event_id`)
  return new Map(rows.map(row => [row.event_id, { isParked: row.is_parked }]))
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
