import type { Tx } from '@campus/platform/data/postgres'
import { sql } from 'drizzle-orm'
import { table, utc } from '../schemas.ts'

/** A lane of an outbox: its events are published one after the other. */
export interface Lane extends Record<string, unknown> {
  readonly service: string
  readonly lane: number
  readonly pending: number
  readonly oldestSeconds: number | null
  /** The event in front, which all others wait for. */
  readonly first: string | null
  readonly type: string | null
  readonly key: string | null
  /** The replica that publishes the lane. */
  readonly owner: string | null
  readonly leaseUntil: string | null
  readonly isOwned: boolean
}

/** The lanes of a service. */
export async function lanesOf(tx: Tx, schema: string): Promise<readonly Lane[]> {
  const { rows } = await tx.execute<Lane>(sql`
    select ${schema}::text as service, l.lane::int as lane, count(o.seq)::int as pending,
      round(extract(epoch from now() - min(o.created_at)))::int as "oldestSeconds",
      (array_agg(o.event_id order by o.seq))[1] as first,
      (array_agg(o.type order by o.seq))[1] as type,
      (array_agg(o.aggregate_key order by o.seq))[1] as key,
      l.owner, case when isfinite(l.lease_until) then ${utc('l.lease_until')} end as "leaseUntil",
      l.owner is not null and l.lease_until > now() as "isOwned"
    from ${table(schema, 'outbox_lane')} l left join ${table(schema, 'outbox')} o on o.lane = l.lane
    group by l.lane order by l.lane`)
  return rows
}
