import { sql } from 'drizzle-orm'
import type { Tx } from '../data/postgres.ts'

/**
 * Notes that `consumer` applies these events in this transaction.
 *
 * @returns ids that it has not applied before; another delivery of the others changes nothing
 */
export async function enter(
  tx: Tx,
  consumer: string,
  eventIds: readonly string[],
): Promise<ReadonlySet<string>> {
  const { rows } = await tx.execute<{ event_id: string }>(sql`
    insert into inbox (event_id, consumer)
    select distinct id, ${consumer} from unnest(${sql.param([...eventIds])}::uuid[]) id order by id
    on conflict do nothing returning event_id`)
  return new Set(rows.map(row => row.event_id))
}

/** Remembers the highest version that `consumer` has seen of each aggregate. */
export async function advanceSeen(
  tx: Tx,
  consumer: string,
  topic: string,
  versions: ReadonlyMap<string, number>,
): Promise<void> {
  const sorted = [...versions].toSorted(([a], [b]) => (a < b ? -1 : 1))
  await tx.execute(sql`
    insert into seen_version as s (consumer, topic, aggregate_key, version)
    select ${consumer}, ${topic}, key, version from unnest(
      ${sql.param(sorted.map(([key]) => key))}::text[],
      ${sql.param(sorted.map(([, version]) => version))}::int[]) t(key, version)
    on conflict (consumer, topic, aggregate_key)
    do update set version = greatest(s.version, excluded.version), at = now()`)
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
