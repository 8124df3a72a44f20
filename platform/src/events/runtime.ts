import type { Clock } from '../clock.ts'
import { isDependencyFailure } from '../data/dependency.ts'
import type { Postgres } from '../data/postgres.ts'
import type { Logger } from '../process/logger.ts'
import type { Metrics } from '../process/metrics.ts'
import { type Applied, apply, type Hearing, hearingOf, parkRecord } from './apply.ts'
import type { ConsumerDefinition } from './consumer.ts'
import type { Kafka } from './kafka.ts'
import type { Batch, Consumption } from './kafka-consume.ts'
import type { IncomingRecord } from './kafka-record.ts'

// The consumer runtime. One Kafka group a service; inside it, consumers that are applied in the same
// order each. A sub-batch is applied in one transaction a consumer; when that fails it is rolled back
// and done again one event at a time, so that one bad event costs its own key and nothing else:
//
//   transient error  pause the partition, try again with full jitter 0.5 s → 30 s, no limit
//   permanent error  after 5 attempts park the key; later events of the key wait behind it
//
// Offsets are committed after the database. A crash in between delivers again, and the primary key
// of the inbox turns the second delivery into nothing.

/** Partitions that are worked on at the same time; each needs a connection to Postgres. */
const partitionsAtOnce = 8
/** Records in one transaction at most. */
const subBatchMax = 50
const attemptsMax = 5
const pauseMs = { first: 500, max: 30_000 }
/** Heartbeats stop when no attempt has begun or ended for so long, so that a hung process shows. */
const standstillMs = 20_000
const heartbeatMs = 3_000

export interface RuntimeOptions {
  readonly postgres: Postgres
  readonly kafka: Kafka
  readonly service: string
  readonly consumers: readonly ConsumerDefinition[]
  readonly clock: Clock
  readonly logger: Logger
  readonly metrics: Metrics
  /** An event may take this long; a handler that does not settle by then is given up. */
  readonly eventMs?: number
  /** The process must end: it cannot consume any more. */
  readonly onCrash: (error: Error) => void
}

export interface Runtime {
  start(): Promise<void>
  /** Finishes the sub-batch in work, commits, leaves the group. */
  stop(): Promise<void>
  /** Whether the process is a member of its group. */
  isRunning(): boolean
}

/** @see docs/events.md */
export function createRuntime(options: RuntimeOptions): Runtime {
  const { postgres, kafka, service, clock, logger, metrics, eventMs = 5_000 } = options
  const hearings = options.consumers.map(hearingOf)
  const topics = [
    ...new Set(options.consumers.flatMap(c => c.handlers.map(({ kind }) => kind.topic))),
  ]
  const meters = runtimeMeters(metrics)
  /** Partitions that wait after a transient error: how often in a row. */
  const waiting = new Map<string, number>()
  let consumption: Consumption | undefined

  function hearersOf(topic: string): Hearing[] {
    return hearings.filter(h => h.consumer.handlers.some(({ kind }) => kind.topic === topic))
  }

  async function onBatch(batch: Batch): Promise<void> {
    const name = `${batch.topic} ${batch.partition}`
    for (let start = 0; start < batch.records.length; start += subBatchMax) {
      if (!batch.isCurrent()) return
      const records = batch.records.slice(start, start + subBatchMax)
      const last = records.at(-1)
      if (last === undefined) return
      const outcome = await withHeartbeat(batch, moved => applyAll(batch.topic, records, moved))
      if (outcome instanceof Retry) {
        const times = (waiting.get(name) ?? 0) + 1
        waiting.set(name, times)
        const ms = Math.random() * Math.min(pauseMs.first * 2 ** times, pauseMs.max)
        logger.warn(
          { err: outcome.cause, topic: batch.topic, partition: batch.partition, times, ms },
          'partition paused',
        )
        batch.pause(ms)
        return
      }
      waiting.delete(name)
      try {
        await batch.commit(
          start + subBatchMax >= batch.records.length ? batch.lastOffset + 1n : last.offset + 1n,
        )
        await batch.heartbeat()
      } catch (error) {
        // The group has moved on; the inbox absorbs what is delivered again.
        logger.debug({ err: error }, 'batch given up')
        return
      }
    }
    meters.lag.set(
      { topic: batch.topic, partition: String(batch.partition) },
      Number(batch.highWatermark - batch.lastOffset - 1n),
    )
  }

  /** Never throws: an error that reached the client would stop every partition of this process. */
  async function applyAll(
    topic: string,
    records: readonly IncomingRecord[],
    moved: () => void,
  ): Promise<Retry | undefined> {
    for (const hearing of hearersOf(topic)) {
      const outcome = await applyOrSplit(hearing, records, moved)
      if (outcome !== undefined) return outcome
    }
    return undefined
  }

  async function applyOrSplit(
    hearing: Hearing,
    records: readonly IncomingRecord[],
    moved: () => void,
  ): Promise<Retry | undefined> {
    if (hearing.consumer.eachAlone !== true) {
      try {
        note(hearing, await apply({ postgres, clock, eventMs }, hearing, records))
        return undefined
      } catch (error) {
        if (isDependencyFailure(error)) return new Retry(error)
      }
    }
    for (const record of records) {
      const outcome = await applyOne(hearing, record, moved)
      if (outcome !== undefined) return outcome
    }
    return undefined
  }

  async function applyOne(
    hearing: Hearing,
    record: IncomingRecord,
    moved: () => void,
  ): Promise<Retry | undefined> {
    for (let attempts = 1; ; attempts += 1) {
      moved()
      try {
        note(hearing, await apply({ postgres, clock, eventMs }, hearing, [record]))
        return undefined
      } catch (error) {
        if (isDependencyFailure(error)) return new Retry(error)
        if (attempts < attemptsMax) continue
        return parkFailed(hearing, record, error, attempts)
      }
    }
  }

  async function parkFailed(
    hearing: Hearing,
    record: IncomingRecord,
    cause: unknown,
    attempts: number,
  ): Promise<Retry | undefined> {
    const { name, message, stack } = cause instanceof Error ? cause : new Error(String(cause))
    const reason = {
      errorClass: name,
      error: message,
      attempts,
      ...(stack !== undefined && { stack }),
    }
    logger.error(
      {
        err: cause,
        consumer: hearing.consumer.name,
        topic: record.topic,
        offset: String(record.offset),
      },
      'event parked',
    )
    try {
      await parkRecord(postgres, hearing.consumer, record, reason)
      meters.parked.inc({ consumer: hearing.consumer.name, error_class: name })
      return undefined
    } catch (error) {
      return new Retry(error)
    }
  }

  function note({ consumer }: Hearing, { events, duplicates, parked }: Applied): void {
    if (duplicates > 0) meters.duplicates.inc({ consumer: consumer.name }, duplicates)
    if (parked > 0) meters.parked.inc({ consumer: consumer.name, error_class: 'batch' }, parked)
    const now = Date.now()
    for (const { event } of events) {
      meters.endToEnd.observe(
        { type: event.type, consumer: consumer.name },
        Math.max(0, now - event.time.getTime()) / 1000,
      )
    }
  }

  return {
    async start() {
      if (topics.length === 0) return
      consumption = await kafka.consume({
        group: `campus.${service}`,
        topics,
        concurrency: partitionsAtOnce,
        onBatch,
        onCrash: options.onCrash,
        onRebalance: () => meters.rebalances.inc(),
      })
    },
    async stop() {
      await consumption?.stop()
    },
    isRunning: () => topics.length === 0 || consumption?.isRunning() === true,
  }
}

/** Nothing else could work now either: wait, then do the same records again. */
class Retry {
  readonly cause: unknown

  constructor(cause: unknown) {
    this.cause = cause
  }
}

async function withHeartbeat<T>(batch: Batch, work: (moved: () => void) => Promise<T>): Promise<T> {
  let movedAt = performance.now()
  const timer = setInterval(() => {
    if (performance.now() - movedAt < standstillMs) batch.heartbeat().catch(() => undefined)
  }, heartbeatMs)
  try {
    return await work(() => {
      movedAt = performance.now()
    })
  } finally {
    clearInterval(timer)
  }
}

function runtimeMeters(metrics: Metrics) {
  return {
    endToEnd: metrics.histogram('event_e2e_seconds', 'From emit to applied.', ['type', 'consumer']),
    duplicates: metrics.counter('inbox_duplicates_total', 'Deliveries that changed nothing.', [
      'consumer',
    ]),
    parked: metrics.counter('parked_total', 'Events parked.', ['consumer', 'error_class']),
    rebalances: metrics.counter('consumer_rebalances_total', 'Changes of the group.'),
    lag: metrics.gauge('consumer_lag_records', 'Records not consumed.', ['topic', 'partition']),
  }
}
