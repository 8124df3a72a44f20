// One replica of the bar as a process of its own, for faults that end or freeze processes: its relay,
// its consumer, and the drinks that do harm. Its settings come by the environment.
import { setTimeout as delay } from 'node:timers/promises'
import { createPostgres } from '../data/postgres.ts'
import { createLogger } from '../process/logger.ts'
import { createMetrics } from '../process/metrics.ts'
import { defineConsumer, on } from './consumer.ts'
import { createKafka } from './kafka.ts'
import { createRelay } from './relay.ts'
import { createRuntime } from './runtime.ts'
import { addUp, poured, serveInOrder } from './test-bench.ts'

const { DATABASE_URL = '', KAFKA_BROKERS = '', KAFKA_TOPIC_PREFIX = '' } = process.env
const clockOffsetMs = Number(process.env['CLOCK_OFFSET_MS'] ?? 0)
const realNow = Date.now.bind(Date)
Date.now = () => realNow() + clockOffsetMs

const logger = createLogger({ service: 'bar', level: process.env['LOG_LEVEL'] ?? 'silent' })
const metrics = createMetrics({ service: 'bar' })
const postgres = createPostgres({ url: DATABASE_URL, max: 6, applicationName: 'bar' })
const kafka = createKafka({
  brokers: KAFKA_BROKERS.split(','),
  clientId: 'bar',
  topicPrefix: KAFKA_TOPIC_PREFIX,
  logger,
})
const parts = { postgres, kafka, service: 'bar', logger, metrics }
const relay = createRelay(parts)
const runtime = createRuntime({
  ...parts,
  clock: { now: () => new Date(Date.now()) },
  inboxDays: 37,
  consumers: [
    defineConsumer({
      name: 'bar.ledger',
      kind: 'process',
      onBootstrap: 'replay',
      handlers: [
        on(poured, async ({ tx, event }) => {
          const { glassId, number } = event.data
          if (glassId === 'killer') process.kill(process.pid, 'SIGKILL')
          if (glassId === 'blocker') blockFor(number)
          if (glassId === 'slow') await delay(number)
          await serveInOrder(tx, event)
          await addUp(tx, glassId, number)
        }),
      ],
    }),
  ],
  onCrash: error => {
    logger.fatal({ err: error }, 'crash')
    process.exit(1)
  },
})

function blockFor(ms: number): void {
  const until = performance.now() + ms
  while (performance.now() < until);
}

relay.start()
runtime.start()
process.on('SIGTERM', () => {
  void (async () => {
    await runtime.stop()
    await relay.stop()
    const duplicates = /^inbox_duplicates_total\{.*\} (\d+)$/m.exec(await metrics.render())
    process.stdout.write(`duplicates ${duplicates?.[1] ?? 0}\n`)
    await Promise.all([kafka.close(), postgres.close()])
    process.exit(0)
  })()
})
process.stdout.write('started\n')
