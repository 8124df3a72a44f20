// What the tests of events share: a bar that pours drinks, and whoever counts them.
import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { defineEvent, type Event } from '@campus/contracts/envelope'
import type { Topic } from '@campus/contracts/topics'
import { type SQL, sql } from 'drizzle-orm'
import { Type } from 'typebox'
import { systemClock } from '../clock.ts'
import type { Postgres, Tx } from '../data/postgres.ts'
import { quietParts } from '../testing/chassis-parts.ts'
import type { Cleanup } from '../testing/cleanup.ts'
import { createTestDatabase } from '../testing/database.ts'
import { createTestKafka } from '../testing/kafka.ts'
import { type ConsumerDefinition, defineConsumer, type Handling, on } from './consumer.ts'
import type { Kafka } from './kafka.ts'
import type { IncomingRecord } from './kafka-record.ts'
import { emit } from './outbox.ts'
import { createRelay } from './relay.ts'
import { createRuntime, type RuntimeOptions } from './runtime.ts'

export const poured = defineEvent({
  type: 'bar.drink_poured.v1',
  aggregate: 'glass',
  subject: 'glassId',
  schema: Type.Object({ glassId: Type.String(), number: Type.Integer() }),
  example: { glassId: 'g', number: 1 },
})

/** Another event of a glass, which the ledger does not handle. */
export const washed = defineEvent({
  type: 'bar.glass_washed.v1',
  aggregate: 'glass',
  subject: 'glassId',
  schema: Type.Object({ glassId: Type.String() }),
  example: { glassId: 'g' },
})

export const topic = poured.topic
const topics: Topic[] = [{ name: topic, partitions: 12, config: {} }]

/** A database with the event tables, Kafka with one topic, quiet log and metrics. */
export async function openBar(t: Cleanup, { config = {} }: { config?: Topic['config'] } = {}) {
  const [database, testKafka] = await Promise.all([
    createTestDatabase(t, { service: 'bar', directories: ['platform/migrations'] }),
    createTestKafka(
      t,
      topics.map(one => ({ ...one, config })),
    ),
  ])
  return { ...database, ...testKafka, ...quietParts() }
}
export type Bar = Awaited<ReturnType<typeof openBar>>

export function startRelay(t: Cleanup, bar: Bar, kafka: Kafka = bar.kafka) {
  const relay = createRelay({ ...bar, kafka, service: 'bar' })
  relay.start()
  t.teardown(() => relay.stop())
  return relay
}

export type Pour = Handling<{ glassId: string; number: number }>

/** Consumes as `bar.ledger`; a crash is noted in `crashes`. */
export function startConsumer(
  t: Cleanup,
  bar: Bar,
  handle: (pour: Pour) => Promise<void>,
  options: Partial<ConsumerDefinition> & Partial<Pick<RuntimeOptions, 'inboxDays' | 'kafka'>> = {},
) {
  const { inboxDays = 37, kafka = bar.kafka, ...consumer } = options
  const crashes: Error[] = []
  const runtime = createRuntime({
    ...bar,
    kafka,
    inboxDays,
    service: 'bar',
    clock: systemClock,
    eventMs: 500,
    consumers: [
      defineConsumer({
        name: 'bar.ledger',
        kind: 'process',
        onBootstrap: 'replay',
        handlers: [on(poured, handle)],
        ...consumer,
      }),
    ],
    onCrash: error => crashes.push(error),
  })
  runtime.start()
  t.teardown(() => runtime.stop())
  return { ...runtime, crashes }
}

export async function pour(postgres: Postgres, glassId: string, number: number): Promise<void> {
  await postgres.transaction(async tx => emit(tx, poured.of({ glassId, number })))
}

export async function wash(postgres: Postgres, glassId: string): Promise<void> {
  await postgres.transaction(async tx => emit(tx, washed.of({ glassId })))
}

/** Appends a record once more, as a relay does that does not know of its success. */
export async function repeat(kafka: Kafka, record: IncomingRecord): Promise<void> {
  const { key, value, headers, timestamp, partition } = record
  await kafka.send(topic, partition, [
    { key: key ?? '', value: value === null ? null : String(value), headers, timestamp },
  ])
}

export async function count(postgres: Postgres, table: 'outbox' | 'inbox' | 'outbox_archive') {
  const { rows } = await postgres.read(tx =>
    tx.execute<{ n: number }>(sql.raw(`select count(*) as n from ${table}`)),
  )
  return rows[0]?.n
}

/** The state of the ledger: what was poured into each glass, and in which order. */
export async function addUp(tx: Tx, glassId: string, number: number): Promise<void> {
  // The table of another consumer's versions serves as one of ours; `topic` takes the order.
  await tx.execute(sql`
    insert into seen_version as s (consumer, aggregate_key, version, topic)
    values ('sum', ${glassId}, ${number}, '')
    on conflict (consumer, topic, aggregate_key) do update set version = s.version + excluded.version`)
}

export async function sums(postgres: Postgres): Promise<Record<string, number>> {
  const { rows } = await postgres.read(tx =>
    tx.execute<{ aggregate_key: string; version: number }>(
      sql`select aggregate_key, version from seen_version where consumer = 'sum'`,
    ),
  )
  return Object.fromEntries(rows.map(row => [row.aggregate_key, row.version]))
}

export interface Parked extends Record<string, unknown> {
  readonly aggregate_version: number | null
  readonly error_class: string
  readonly status: string
}

/** What is in the parking place, in the order of versions. */
export async function parked(postgres: Postgres): Promise<[number | null, string, string][]> {
  const { rows } = await postgres.read(tx =>
    tx.execute<Parked>(sql`select aggregate_version, error_class, status from parked_event
      order by aggregate_key, aggregate_version, record_offset`),
  )
  return rows.map(row => [row.aggregate_version, row.error_class, row.status])
}

/** What `campus parked retry` writes. */
export async function requestRetry(postgres: Postgres, acceptGap = false): Promise<void> {
  await postgres.read(tx =>
    tx.execute(sql`update parked_key set retry_requested_at = now(), retry_requested_by = 'test',
      accept_gap = ${acceptGap}`),
  )
}

/**
 * Fails unless `event` is later than the one before of its glass: order, looked at from outside. That none
 * is missing is told by the sums.
 */
export async function serveInOrder(tx: Tx, { key, version }: Event): Promise<void> {
  const { rows } = await tx.execute(sql`
    insert into seen_version as s (consumer, topic, aggregate_key, version)
    values ('served', '', ${key}, ${version})
    on conflict (consumer, topic, aggregate_key) do update set version = excluded.version
      where s.version < excluded.version
    returning version`)
  if (rows.length === 0) throw new Error(`${key} was served version ${version} out of order.`)
}

/** A replica of the bar as a process. */
export interface BarProcess {
  readonly child: ChildProcess
  /** It works now, and ends in order when it is asked to. */
  readonly started: Promise<unknown>
  /** Ends it as `signal` does, and waits until it is gone. */
  end(signal: 'SIGTERM' | 'SIGKILL'): Promise<number | null>
  /** Deliveries that changed nothing, known once it has ended in order. */
  duplicates(): number | undefined
}

export function startBarProcess(
  t: Cleanup,
  bar: Bar,
  env: Readonly<Record<string, string>> = {},
): BarProcess {
  const child = spawn(
    process.execPath,
    ['--import', './tools/fast-imports.ts', `${import.meta.dirname}/bar-process.ts`],
    {
      env: {
        PATH: process.env['PATH'],
        LOG_LEVEL: process.env['LOG_LEVEL'],
        DATABASE_URL: bar.url,
        KAFKA_BROKERS: bar.brokers,
        KAFKA_TOPIC_PREFIX: bar.topicPrefix,
        ...env,
      },
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  )
  const exited = once(child, 'exit')
  const started = Promise.race([once(child.stdout, 'data'), exited])
  let output = ''
  child.stdout.on('data', (chunk: Buffer) => {
    output += chunk.toString()
  })
  function duplicates(): number | undefined {
    const found = /duplicates (\d+)/.exec(output)
    return found === null ? undefined : Number(found[1])
  }
  async function end(signal: 'SIGTERM' | 'SIGKILL'): Promise<number | null> {
    if (child.exitCode === null && child.signalCode === null) {
      child.kill(signal)
      await exited
    }
    return child.exitCode
  }
  t.teardown(() => end('SIGKILL'))
  return { child, started, end, duplicates }
}

/**
 * The oracle of the faults: everything that was poured is published, applied once and in order, and
 * nothing was noticed that should not have happened.
 *
 * @param expected the sum of each glass
 */
export async function assertAllServed(
  { postgres }: Bar,
  expected: Readonly<Record<string, number>>,
): Promise<void> {
  const rowsOf = async (query: SQL) => (await postgres.read(tx => tx.execute(query))).rows
  assert.deepEqual(await rowsOf(sql`select event_id from outbox`), [], 'all is published')
  assert.deepEqual(await sums(postgres), expected, 'all is applied')
  assert.deepEqual(await parked(postgres), [], 'nothing is parked')
  assert.deepEqual(
    await rowsOf(sql`
      select a.event_id from outbox_archive a full join inbox i using (event_id)
      where a.event_id is null or i.event_id is null`),
    [],
    'what is in the inbox is what was published',
  )
  assert.deepEqual(
    await rowsOf(sql`
      select v.aggregate_key, v.version, s.version as seen from aggregate_version v
      left join seen_version s on s.consumer = 'bar.ledger' and s.aggregate_key = v.aggregate_key
      where s.version is distinct from v.version`),
    [],
    'the versions are equal',
  )
}
