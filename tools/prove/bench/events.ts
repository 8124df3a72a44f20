import { randomBytes } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { defineEvent } from '@campus/contracts/envelope'
import { systemClock } from '@campus/platform/clock'
import { migrate, provisionService } from '@campus/platform/data/migrate'
import { createPostgres, type Postgres } from '@campus/platform/data/postgres'
import { defineConsumer, on } from '@campus/platform/events/consumer'
import { createKafka, type Kafka } from '@campus/platform/events/kafka'
import { emit } from '@campus/platform/events/outbox'
import { createRelay } from '@campus/platform/events/relay'
import { createRuntime } from '@campus/platform/events/runtime'
import { createLogger } from '@campus/platform/process/logger'
import { createMetrics } from '@campus/platform/process/metrics'
import { sql } from 'drizzle-orm'
import { Type } from 'typebox'
import type { Mesh } from '../mesh.ts'
import { type Figure, quantile } from './figure.ts'
import { atRate } from './open-loop.ts'

const ticked = defineEvent({
  type: 'bench.clock_ticked.v1',
  aggregate: 'clock',
  subject: 'clockId',
  schema: Type.Object({ clockId: Type.String(), sentMs: Type.Number(), text: Type.String() }),
  example: { clockId: 'c', sentMs: 0, text: '' },
})
const text = 'x'.repeat(600)
const drained = 20_000
const latencyEvents = 2_000
const perSecond = 200

/** The relay's speed and the way of an event from commit to handler, beside kafkajs alone. */
export async function eventFigures(mesh: Mesh): Promise<Figure[]> {
  const adminUrl = mesh.env['DATABASE_URL'] ?? ''
  const url = await provisionService({
    adminUrl,
    service: 'bench',
    password: randomBytes(12).toString('hex'),
  })
  await migrate({ adminUrl, service: 'bench', directories: ['platform/migrations'] })
  const postgres = createPostgres({ url, max: 10, applicationName: 'bench' })
  const brokers = (mesh.env['KAFKA_BROKERS'] ?? '').split(',')
  const topicPrefix = `bench-${randomBytes(4).toString('hex')}.`
  const kafka = createKafka({ brokers, clientId: 'bench', topicPrefix })
  await kafka.admin.create([{ name: ticked.topic, partitions: 12, config: {} }])
  try {
    const raw = await rawSends(kafka)
    const relayed = await drain(postgres, kafka)
    const { through, alone } = await latencies(postgres, kafka)
    return [
      {
        name: 'outbox → Kafka, one relay',
        unit: 'events/s',
        campus: relayed,
        target: { atLeast: 5_000 },
        limit: { name: 'kafkajs alone, batches of 500', value: raw },
      },
      {
        name: `commit → handler at ${perSecond} events/s, p50`,
        unit: 'ms',
        campus: quantile(through, 0.5),
        target: { atMost: 50 },
        limit: { name: 'kafkajs alone, send → receive', value: quantile(alone, 0.5) },
      },
      {
        name: `commit → handler at ${perSecond} events/s, p99`,
        unit: 'ms',
        campus: quantile(through, 0.99),
        target: { atMost: 250 },
        limit: { name: 'kafkajs alone, send → receive', value: quantile(alone, 0.99) },
      },
    ]
  } finally {
    await Promise.all([postgres.close(), kafka.close()])
  }
}

function parts() {
  return {
    service: 'bench',
    logger: createLogger({ service: 'bench', level: 'error' }),
    metrics: createMetrics({ service: 'bench' }),
  }
}

function record(key: string) {
  const value = JSON.stringify({ clockId: key, sentMs: performance.now(), text })
  return { key, value, headers: {}, timestamp: new Date() }
}

/** Events a second by the same client without outbox: batches of 500 to each partition in turn. */
async function rawSends(kafka: Kafka): Promise<number> {
  const batch = Array.from({ length: 500 }, (_, i) => record(`raw:${i}`))
  const startedAt = performance.now()
  for (let sent = 0; sent < drained; sent += batch.length) {
    await kafka.send(ticked.topic, (sent / batch.length) % 12, batch)
  }
  return drained / ((performance.now() - startedAt) / 1_000)
}

async function drain(postgres: Postgres, kafka: Kafka): Promise<number> {
  for (let made = 0; made < drained; made += 500) {
    const events = Array.from({ length: 500 }, (_, i) =>
      ticked.of({ clockId: `d${(made + i) % 400}`, sentMs: 0, text }),
    )
    await postgres.transaction(async tx => emit(tx, ...events))
  }
  const relay = createRelay({ ...parts(), postgres, kafka })
  const startedAt = performance.now()
  relay.start()
  for (;;) {
    const { rows } = await postgres.read(tx =>
      tx.execute<{ n: number }>(sql`select count(*) as n from outbox`),
    )
    if (rows[0]?.n === 0) break
    await delay(20)
  }
  const tookSeconds = (performance.now() - startedAt) / 1_000
  await relay.stop()
  return drained / tookSeconds
}

async function latencies(postgres: Postgres, kafka: Kafka) {
  const through: number[] = []
  const alone: number[] = []
  const relay = createRelay({ ...parts(), postgres, kafka })
  const runtime = createRuntime({
    inboxDays: 37,
    ...parts(),
    postgres,
    kafka,
    clock: systemClock,
    consumers: [
      defineConsumer({
        name: 'bench.clock',
        kind: 'process',
        onBootstrap: 'live',
        handlers: [
          on(ticked, async ({ event: { data } }) => {
            if (data.sentMs > 0) through.push(performance.now() - data.sentMs)
          }),
        ],
      }),
    ],
    onCrash: error => {
      throw error
    },
  })
  relay.start()
  runtime.start()
  // A consumer of the present skips what was there before its birth, also a first event of ours.
  while (!runtime.isRunning()) await delay(50)
  await postgres.transaction(async tx => emit(tx, ticked.of({ clockId: 'first', sentMs: 1, text })))
  while (through.length === 0) await delay(50)
  await delay(2_000)
  through.length = 0
  await atRate({ perSecond, count: latencyEvents }, n =>
    postgres.transaction(async tx =>
      emit(tx, ticked.of({ clockId: `l${n % 50}`, sentMs: performance.now(), text })),
    ),
  )
  while (through.length < latencyEvents) await delay(50)
  await runtime.stop()
  await relay.stop()

  const { promise: caughtUp, resolve, reject } = Promise.withResolvers<void>()
  const reading = await kafka.read({
    topic: ticked.topic,
    onRecord({ key, value }) {
      if (key?.startsWith('alone:') === true) {
        alone.push(performance.now() - JSON.parse(String(value)).sentMs)
      }
    },
    onCaughtUp: resolve,
    onCrash: reject,
  })
  await caughtUp
  await atRate({ perSecond, count: latencyEvents }, n =>
    kafka.send(ticked.topic, n % 12, [record(`alone:${n}`)]),
  )
  while (alone.length < latencyEvents) await delay(50)
  await reading.stop()
  const ascending = (values: number[]) => values.toSorted((a, b) => a - b)
  return { through: ascending(through), alone: ascending(alone) }
}
