import { topics } from '@campus/contracts/topics'
import type { Tx } from '@campus/platform/data/postgres'
import { type SQL, sql } from 'drizzle-orm'
import type { Row } from './output.ts'
import { table } from './schemas.ts'

/** Where the tables of a service are: its schema, or the schema of its audit views. */
export interface ServiceTables {
  readonly service: string
  readonly schema: string
}

/**
 * Aggregates whose consumer has seen less of them than their service has published: the check that
 * notices a loss which no error has reported (I14, X5).
 *
 * Compared are aggregates that the archive still has events of, published longer ago than
 * `settleSeconds`. Consumers of compacted topics may pass versions over, so those are left out.
 *
 * @returns a row per consumer and aggregate; `isParked` tells that the rest waits in the park
 */
export async function findBehind(
  tx: Tx,
  source: ServiceTables,
  hearer: ServiceTables,
  settleSeconds: number,
): Promise<readonly Row[]> {
  const of = ({ schema }: ServiceTables, name: string): SQL => table(schema, name)
  const { rows } = await tx.execute<Record<string, string | number | boolean>>(sql`
    with published as (
      select topic, aggregate_key, max(aggregate_version) as version
      from ${of(source, 'outbox_archive')}
      where published_at < now() - make_interval(secs => ${settleSeconds})
        and topic <> all(${sql.param(compactedTopics)}::text[])
      group by topic, aggregate_key
    ), hears as (
      select distinct consumer, topic, split_part(aggregate_key, ':', 1) as kind
      from ${of(hearer, 'seen_version')}
    )
    select h.consumer, p.topic, p.aggregate_key as key, p.version as published,
      coalesce(s.version, 0) as seen,
      exists (select from ${of(hearer, 'parked_key')} k where k.consumer = h.consumer
        and k.topic = p.topic and k.aggregate_key = p.aggregate_key) as "isParked"
    from published p
    join hears h on h.topic = p.topic and h.kind = split_part(p.aggregate_key, ':', 1)
    left join ${of(hearer, 'seen_version')} s on s.consumer = h.consumer and s.topic = p.topic
      and s.aggregate_key = p.aggregate_key
    where coalesce(s.version, 0) < p.version
    order by 1, 2, 3 limit 10000`)
  return rows
}

/** Topics of which only the last record of a key is kept. */
export const compactedTopics: readonly string[] = topics
  .filter(({ config }) => config['cleanup.policy']?.includes('compact') === true)
  .map(({ name }) => name)
