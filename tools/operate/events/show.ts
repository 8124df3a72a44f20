import { header } from '@campus/contracts/envelope'
import { topics } from '@campus/contracts/topics'
import type { Tx } from '@campus/platform/data/postgres'
import type { IncomingRecord } from '@campus/platform/events/kafka-record'
import { sql } from 'drizzle-orm'
import { CliError } from '../../cli-error.ts'
import { type Exit, exit, nothing } from '../exit.ts'
import { type Operation, operate } from '../operation.ts'
import type { CommonOptions, PersonalOptions } from '../options.ts'
import type { Row } from '../output.ts'
import { mayShowPersonal, refusePersonal } from '../personal.ts'
import { acrossSchemas, table, utc } from '../schemas.ts'
import { eventRow, payloadOf } from './event-row.ts'
import { readTopic } from './read-topic.ts'

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}$/

/** Clocks of services and brokers differ by less than this. */
const slackMs = 60_000

/** Shows one event, and who has applied or parked it. */
export async function show(id: string, options: CommonOptions & PersonalOptions): Promise<void> {
  await operate(options, operation => showEvent(operation, id, options))
}

/** @see show */
export async function showEvent(
  operation: Operation,
  id: string,
  options: PersonalOptions,
): Promise<Exit> {
  if (!uuid.test(id)) throw new CliError(`"${id}" is no event id: a UUIDv7 in lower case is one.`)
  const { output, by } = operation
  const mayBePersonal = mayShowPersonal(options, output, by)
  const postgres = operation.postgres()
  const archived = await postgres.read(tx => findInOutbox(tx, id))
  const record = await findOnTopics(operation, id, archived)
  const topic = record?.topic ?? archived?.topic
  if (topic === undefined) {
    throw nothing(`No topic, outbox or archive holds an event ${id}.`)
  }
  refusePersonal(topic, mayBePersonal)
  const key = record?.key ?? archived?.key ?? ''
  const version = Number(record?.headers[header.version] ?? archived?.version ?? 0)
  const shown = { id, topic, key, version: Number.isSafeInteger(version) ? version : 0 }
  const consumers = await postgres.read(tx => consumersOf(tx, shown))
  output.record({
    ...(record === undefined ? { ...archived, id } : eventRow(record)),
    state: stateOf(record, archived),
    ...(record !== undefined && {
      envelope: record.headers,
      data: payloadOf(record.value),
    }),
    ...(output.isJson && { consumers }),
  })
  output.say('')
  if (!output.isJson) output.table(consumers, 'No consumer has applied or parked it.')
  return exit.done
}

interface Archived extends Record<string, unknown> {
  readonly service: string
  readonly topic: string
  readonly type: string
  readonly key: string
  readonly version: number
  /** Null while it waits in the outbox. */
  readonly partition: number | null
  readonly offset: number | null
}

async function findInOutbox(tx: Tx, id: string): Promise<Archived | undefined> {
  const found = await acrossSchemas(tx, async schema => {
    const { rows } = await tx.execute<Archived>(sql`
      select ${schema}::text as service, topic, type, aggregate_key as key, aggregate_version as version,
        partition, record_offset as "offset"
      from ${table(schema, 'outbox_archive')} where event_id = ${id}
      union all
      select ${schema}::text, topic, type, aggregate_key, aggregate_version, null, null
      from ${table(schema, 'outbox')} where event_id = ${id}
      limit 1`)
    return rows
  })
  return found[0]
}

/** The record itself: at the place that the archive names, else around the time that the id is. */
async function findOnTopics(
  operation: Operation,
  id: string,
  archived: Archived | undefined,
): Promise<IncomingRecord | undefined> {
  let found: IncomingRecord | undefined
  const kafka = operation.kafka()
  const look = (topic: string, range: Partial<Parameters<typeof readTopic>[1]>) =>
    readTopic(kafka, {
      topic,
      stallMs: operation.timeoutMs,
      signal: operation.signal,
      ...range,
      onRecord(record) {
        if (record.headers[header.id] === id) found ??= record
      },
    })
  if (archived !== undefined && archived.partition !== null && archived.offset !== null) {
    const at = BigInt(archived.offset)
    const { partition } = archived
    await look(archived.topic, {
      from: new Map([[partition, at]]),
      until: new Map([[partition, at + 1n]]),
    })
    if (found !== undefined) return found
  }
  const madeAtMs = Number.parseInt(id.slice(0, 8) + id.slice(9, 13), 16)
  const from = new Date(madeAtMs - slackMs)
  const names = archived === undefined ? topics.map(({ name }) => name) : [archived.topic]
  await Promise.all(names.map(name => look(name, { from, until: new Date(madeAtMs + slackMs) })))
  // A republished event stands behind its time.
  if (found === undefined) await Promise.all(names.map(name => look(name, { from })))
  return found
}

function stateOf(record: IncomingRecord | undefined, archived: Archived | undefined): string {
  if (record !== undefined) return 'on the topic'
  if (archived?.partition === null) return `in the outbox of ${archived.service}, not published yet`
  return 'in the archive only: its topic no longer holds it'
}

interface Shown {
  readonly id: string
  readonly topic: string
  readonly key: string
  readonly version: number
}

/** Consumers that know the event, or at least its aggregate. */
async function consumersOf(tx: Tx, { id, topic, key, version }: Shown): Promise<Row[]> {
  return acrossSchemas(tx, async schema => {
    const { rows } = await tx.execute<Record<string, string | null>>(sql`
      select known.consumer, case
          when p.status = 'parked' then 'parked' when p.status = 'discarded' then 'discarded'
          when i.event_id is not null then 'applied' when s.version >= ${version} then 'does not hear it'
          else 'not seen yet' end as outcome,
        ${utc('i.processed_at')} as at, p.error_class as class, p.error
      from (
        select consumer from ${table(schema, 'inbox')} where event_id = ${id}
        union select consumer from ${table(schema, 'parked_event')} where event_id = ${id}
        union select consumer from ${table(schema, 'seen_version')}
          where topic = ${topic} and aggregate_key = ${key}) known
      left join ${table(schema, 'inbox')} i on i.consumer = known.consumer and i.event_id = ${id}
      left join ${table(schema, 'parked_event')} p on p.consumer = known.consumer and p.event_id = ${id}
      left join ${table(schema, 'seen_version')} s on s.consumer = known.consumer
        and s.topic = ${topic} and s.aggregate_key = ${key}
      order by known.consumer`)
    return rows
  })
}
