import type { Tx } from '@campus/platform/data/postgres'
import { sql } from 'drizzle-orm'
import { table, utc } from '../schemas.ts'

/** A key that a consumer has stopped at. */
export interface ParkedKey extends Record<string, unknown> {
  readonly consumer: string
  readonly topic: string
  readonly key: string
  readonly since: string
  /** Events that wait, the one in front included. */
  readonly events: number
  /** Of the event in front. */
  readonly class: string | null
  readonly error: string | null
  readonly replays: number | null
  readonly acknowledgedBy: string | null
  readonly retryRequestedAt: string | null
}

/** Which keys are meant. */
export interface KeyChoice {
  readonly consumer?: string | undefined
  readonly key?: string | undefined
  readonly class?: string | undefined
}

/** Order in which the events of a key are applied; unreadable ones come by their offset. */
export const applyOrder = sql.raw('aggregate_version nulls first, record_offset')

/** The parked keys of a service, the oldest first. */
export async function parkedKeys(
  tx: Tx,
  schema: string,
  choice: KeyChoice,
): Promise<readonly ParkedKey[]> {
  const { rows } = await tx.execute<ParkedKey>(sql`
    select k.consumer, k.topic, k.aggregate_key as key, ${utc('k.since')} as since,
      (select count(*)::int from ${table(schema, 'parked_event')} e
        where e.consumer = k.consumer and e.topic = k.topic and e.aggregate_key = k.aggregate_key
          and e.status = 'parked') as events,
      f.error_class as class, f.error, f.replay_count as replays,
      k.acknowledged_by as "acknowledgedBy", ${utc('k.retry_requested_at')} as "retryRequestedAt"
    from ${table(schema, 'parked_key')} k
    left join lateral (
      select error_class, error, replay_count from ${table(schema, 'parked_event')} e
      where e.consumer = k.consumer and e.topic = k.topic and e.aggregate_key = k.aggregate_key
        and e.status = 'parked'
      order by ${applyOrder} limit 1) f on true
    where (${choice.consumer ?? null}::text is null or k.consumer = ${choice.consumer ?? null})
      and (${choice.key ?? null}::text is null or k.aggregate_key = ${choice.key ?? null})
      and (${choice.class ?? null}::text is null or f.error_class = ${choice.class ?? null})
    order by k.since, k.aggregate_key limit 10000`)
  return rows
}

/** An event of the park. */
export interface ParkedEvent extends Record<string, unknown> {
  readonly id: string
  readonly eventId: string | null
  readonly topic: string
  readonly version: number | null
  readonly type: string | null
  readonly status: 'parked' | 'retried' | 'discarded'
  readonly class: string
  readonly error: string
  readonly attempts: number
  readonly replays: number
  readonly parkedAt: string
}

/** The columns of {@link ParkedEvent}. */
export const eventColumns = sql`id, event_id as "eventId", topic, aggregate_version as version, type,
  status, error_class as class, error, attempts, replay_count as replays, ${utc('parked_at')} as "parkedAt"`

/** The events of a key that wait, in the order in which they are applied. */
export async function waitingEvents(
  tx: Tx,
  schema: string,
  { consumer, topic, key }: Pick<ParkedKey, 'consumer' | 'topic' | 'key'>,
): Promise<readonly ParkedEvent[]> {
  const { rows } = await tx.execute<ParkedEvent>(sql`
    select ${eventColumns} from ${table(schema, 'parked_event')}
    where consumer = ${consumer} and topic = ${topic} and aggregate_key = ${key} and status = 'parked'
    order by ${applyOrder} limit 10000`)
  return rows
}
