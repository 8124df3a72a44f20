import { EventEmitter } from 'node:events'
import { header, type NewEvent, payloadBytesMax } from '@campus/contracts/envelope'
import { sql } from 'drizzle-orm'
import { v7 } from 'uuid'
import { onCommit, type Tx, writeTogether } from '../data/postgres.ts'
import { currentFlow, type Flow } from '../process/flow.ts'
import { startSpan } from '../process/tracing.ts'
import { murmur2 } from './murmur2.ts'
import { checkProduced, dataSchema } from './schemas.ts'
import { createAttributes } from './spans.ts'

/** Lanes of an outbox; for a topic of 12 partitions the lane is also the partition. */
export const laneCount = 12

/** Fires after a commit that emitted; relays of this process listen. */
export const outboxSignal = new EventEmitter()
outboxSignal.setMaxListeners(0)

/**
 * Emits events as part of the transaction: they are published if and only if it commits.
 *
 * They are written at its end. Each gets the next version of its aggregate, and taking the version locks
 * the aggregate until the commit, so that inside one aggregate the order of `seq` is the order of commits.
 *
 * @throws ContractViolation when a payload does not meet its closed schema
 * @throws RangeError when a payload is above 256 kB
 */
export function emit(tx: Tx, ...events: readonly NewEvent[]): void {
  const flow = currentFlow()
  if (events.length > 0) add(tx, ...events.map(event => prepare(event, flow)))
}

const add = writeTogether<Prepared>(async (tx, rows) => {
  const counts = new Map<string, { topic: string; key: string; count: number }>()
  // How many versions of the same aggregate come after each event in this transaction.
  const numbers = rows.map(({ topic, key }) => {
    const entry = counts.get(`${topic} ${key}`) ?? { topic, key, count: 0 }
    entry.count += 1
    counts.set(`${topic} ${key}`, entry)
    return entry.count
  })
  const aggregates = [...counts.values()].toSorted((a, b) => (a.key < b.key ? -1 : 1))
  const column = <T>(values: readonly T[]) => sql.param(values)
  await tx.execute(sql`
    with numbered as (
      insert into aggregate_version as v (topic, aggregate_key, version)
      select * from unnest(
        ${column(aggregates.map(a => a.topic))}::text[],
        ${column(aggregates.map(a => a.key))}::text[],
        ${column(aggregates.map(a => a.count))}::int[])
      on conflict (topic, aggregate_key) do update set version = v.version + excluded.version
      returning v.topic, v.aggregate_key, v.version
    )
    insert into outbox (event_id, topic, lane, aggregate_key, aggregate_version, type, payload, headers)
    select e.id, e.topic, e.lane, e.key, n.version - e.total + e.number, e.type, e.payload, e.headers
    from unnest(
      ${column(rows.map(r => r.id))}::uuid[],
      ${column(rows.map(r => r.topic))}::text[],
      ${column(rows.map(r => r.lane))}::int[],
      ${column(rows.map(r => r.key))}::text[],
      ${column(rows.map(r => counts.get(`${r.topic} ${r.key}`)?.count ?? 1))}::int[],
      ${column(numbers)}::int[],
      ${column(rows.map(r => r.type))}::text[],
      ${column(rows.map(r => r.payload))}::jsonb[],
      ${column(rows.map(r => r.headers))}::jsonb[])
      with ordinality e(id, topic, lane, key, total, number, type, payload, headers, position)
    join numbered n on n.topic = e.topic and n.aggregate_key = e.key
    order by e.position`)
  onCommit(tx, () => outboxSignal.emit('committed'))
})

interface Prepared {
  readonly id: string
  readonly topic: string
  readonly lane: number
  readonly key: string
  readonly type: string
  readonly payload: string | null
  readonly headers: string
}

function prepare({ definition, subject, data }: NewEvent, flow: Flow | undefined): Prepared {
  const { type, topic, aggregate } = definition
  const key = `${aggregate}:${subject}`
  if (data !== null) checkProduced(definition, data)
  const payload = data === null ? null : JSON.stringify(data)
  if (payload !== null && Buffer.byteLength(payload) > payloadBytesMax) {
    throw new RangeError(`${type} of ${key} is above ${payloadBytesMax} bytes.`)
  }
  const id = v7()
  const service = type.slice(0, type.indexOf('.'))
  const span = startSpan(`create ${type}`, 'producer', createAttributes(topic, id))
  span.end()
  const headers: Record<string, string> = {
    [header.specVersion]: '1.0',
    [header.id]: id,
    [header.type]: type,
    [header.source]: `/campus/${service}`,
    [header.subject]: subject,
    [header.key]: key,
    [header.correlationId]: flow?.correlationId ?? id,
    [header.causationId]: flow?.causationId ?? id,
    [header.actor]: flow?.actor ?? `service:${service}`,
    [header.schema]: dataSchema(definition),
    [header.traceparent]: span.traceparent,
    [header.contentType]: 'application/json',
  }
  if (flow?.replayId !== undefined) headers[header.replayId] = flow.replayId
  const lane = murmur2(key) % laneCount
  return { id, topic, lane, key, type, payload, headers: JSON.stringify(headers) }
}
