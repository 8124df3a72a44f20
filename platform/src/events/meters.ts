import { sql } from 'drizzle-orm'
import type { Postgres } from '../data/postgres.ts'
import type { Counter, Gauge, Histogram, Metrics } from '../process/metrics.ts'

/** What the consumers of one process count. No label carries an id. */
export interface ConsumerMeters {
  readonly endToEnd: Histogram<'type' | 'consumer'>
  readonly handling: Histogram<'consumer'>
  readonly duplicates: Counter<'consumer'>
  readonly forgotten: Counter<'consumer'>
  readonly baselines: Counter<'consumer'>
  readonly gaps: Counter<'consumer'>
  readonly parked: Counter<'consumer' | 'error_class'>
  readonly redriven: Counter<'consumer' | 'outcome'>
  readonly rebalances: Counter
  readonly lagRecords: Gauge<'topic' | 'partition'>
  readonly lagSeconds: Gauge<'topic' | 'partition'>
}

/** Registers the metrics of consumers; those of the parking place and of effects ask the database. */
export function consumerMeters(metrics: Metrics, postgres: Postgres): ConsumerMeters {
  metrics.gauge(
    'parked_events',
    'Events that wait for an operator; acknowledged ones are not counted.',
    ['consumer', 'error_class'],
    async gauge => {
      const { rows } = await postgres.read(tx =>
        tx.execute<{ consumer: string; error_class: string; n: number }>(sql`
          select e.consumer, e.error_class, count(*) as n from parked_event e
          left join parked_key k on k.consumer = e.consumer and k.topic = e.topic
            and k.aggregate_key = e.aggregate_key
          where e.status = 'parked' and k.acknowledged_by is null group by 1, 2`),
      )
      gauge.reset()
      for (const { consumer, error_class, n } of rows) gauge.set({ consumer, error_class }, n)
    },
  )
  metrics.gauge(
    'effects',
    'External effects that are not done.',
    ['kind', 'state'],
    async gauge => {
      const { rows } = await postgres.read(tx =>
        tx.execute<{ kind: string; state: string; n: number }>(sql`
          select kind, state, count(*) as n from effect
          where state in ('pending', 'sending', 'ambiguous', 'failed') group by 1, 2`),
      )
      gauge.reset()
      for (const { kind, state, n } of rows) gauge.set({ kind, state }, n)
    },
  )
  return {
    endToEnd: metrics.histogram('event_e2e_seconds', 'From emit to applied.', ['type', 'consumer']),
    handling: metrics.histogram('handler_seconds', 'Applying one sub-batch.', ['consumer']),
    duplicates: metrics.counter('inbox_duplicates_total', 'Deliveries that changed nothing.', [
      'consumer',
    ]),
    forgotten: metrics.counter('inbox_below_floor_total', 'Events older than the inbox.', [
      'consumer',
    ]),
    baselines: metrics.counter(
      'consumer_baselines_total',
      'Aggregates whose first version seen was not 1.',
      ['consumer'],
    ),
    gaps: metrics.counter('consumer_version_gap_total', 'Versions that were missing.', [
      'consumer',
    ]),
    parked: metrics.counter('parked_total', 'Events parked.', ['consumer', 'error_class']),
    redriven: metrics.counter('parked_retries_total', 'Parked keys that were tried again.', [
      'consumer',
      'outcome',
    ]),
    rebalances: metrics.counter('consumer_rebalances_total', 'Changes of the group.'),
    lagRecords: metrics.gauge('consumer_lag_records', 'Records not consumed.', [
      'topic',
      'partition',
    ]),
    lagSeconds: metrics.gauge('consumer_lag_seconds', 'Age of the last record, 0 at the end.', [
      'topic',
      'partition',
    ]),
  }
}
