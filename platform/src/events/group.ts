import { header } from '@campus/contracts/envelope'
import { isDependencyFailure } from '../data/dependency.ts'
import type { Logger } from '../process/logger.ts'
import { type Applied, type ApplyDeps, apply, parkRecord } from './apply.ts'
import { uuid } from './decode.ts'
import type { Hearing } from './hearing.ts'
import type { Batch } from './kafka-consume.ts'
import type { IncomingRecord } from './kafka-record.ts'
import type { ConsumerMeters } from './meters.ts'
import { failure, type ParkReason } from './park.ts'
import type { GroupPast } from './past.ts'
import type { Solo } from './solo.ts'
import type { Stops } from './stops.ts'

// The work of one consumer group. Its consumers are applied in the same order each. A sub-batch is
// applied in one transaction a consumer; when that fails it is rolled back and done again one event at
// a time, so that one bad event costs its own key and nothing else:
//
//   transient error  pause the partition, try again with full jitter 0.5 s → 30 s, no limit
//   permanent error  after 5 attempts park the key; later events of the key wait behind it
//
// Offsets are committed after the database. A crash in between delivers again, and the primary key
// of the inbox turns the second delivery into nothing.

/** Records in one transaction at most. */
const subBatchMax = 50
const attemptsMax = 5
const pauseMs = { first: 500, max: 30_000 }
/** A stopped consumer is asked again so often whether it may go on. */
const stoppedMs = 2_000
/**
 * Heartbeats stop when no attempt has begun or ended for so long, so that a hung process shows; and no
 * event is tried again after that time.
 */
const standstillMs = 20_000
const heartbeatMs = 3_000

export interface GroupDeps extends ApplyDeps {
  readonly logger: Logger
  readonly meters: ConsumerMeters
  readonly stops: Stops
  readonly solo: Solo
  readonly past: GroupPast
}

/** @returns what to do with each batch of the group; it never throws, which would stop the client */
export function createBatchHandler(
  deps: GroupDeps,
  hearings: readonly Hearing[],
): (batch: Batch) => Promise<void> {
  const { logger, meters, solo, stops } = deps
  /** Partitions that wait after a transient error: how often in a row. */
  const waiting = new Map<string, number>()

  return async batch => {
    for (let start = 0; start < batch.records.length; start += subBatchMax) {
      if (!batch.isCurrent()) return
      const records = batch.records.slice(start, start + subBatchMax)
      const last = records.at(-1)
      if (last === undefined) return
      const outcome = await withHeartbeat(batch, moved => applyAll(batch, records, moved))
      if (outcome !== undefined) {
        pause(batch, outcome)
        return
      }
      waiting.delete(nameOf(batch))
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
    noteLag(batch)
  }

  function pause(batch: Batch, retry: Retry): void {
    const times = (waiting.get(nameOf(batch)) ?? 0) + 1
    waiting.set(nameOf(batch), times)
    const backOffMs = Math.random() * Math.min(pauseMs.first * 2 ** times, pauseMs.max)
    const ms = retry.isStop ? stoppedMs : backOffMs
    const { topic, partition } = batch
    logger.warn({ err: retry.cause, topic, partition, times, ms }, 'partition paused')
    batch.pause(ms)
  }

  function noteLag(batch: Batch): void {
    const labels = { topic: batch.topic, partition: String(batch.partition) }
    const left = Number(batch.highWatermark - batch.lastOffset - 1n)
    const last = batch.records.at(-1)
    meters.lagRecords.set(labels, left)
    const ageMs = last === undefined || left === 0 ? 0 : Date.now() - last.timestamp.getTime()
    meters.lagSeconds.set(labels, Math.max(0, ageMs) / 1000)
  }

  async function applyAll(
    { topic }: Batch,
    records: readonly IncomingRecord[],
    moved: () => void,
  ): Promise<Retry | undefined> {
    const [first] = records
    const hearers = hearings.filter(hearing => hearing.topics.has(topic))
    for (const { consumer } of hearers) {
      const reason = stops.reasonOf(consumer.name)
      if (reason !== undefined) return new Retry(`${consumer.name} is stopped: ${reason}`, true)
    }
    if (first === undefined) return undefined
    if (deps.past.isTooLate(topic, first.timestamp)) {
      const since = first.timestamp.toISOString()
      return new Retry(
        `The group is behind since ${since}, nearly longer than its inbox remembers: raise ` +
          'INBOX_RETENTION_DAYS and start again.',
        true,
      )
    }
    try {
      await solo.begin(first)
    } catch (error) {
      return new Retry(error)
    }
    for (const hearing of hearers) {
      const outcome = await applyOrSplit(hearing, records, moved)
      if (outcome !== undefined) return outcome
    }
    for (const { partition } of records) solo.passed(topic, partition)
    return undefined
  }

  async function applyOrSplit(
    hearing: Hearing,
    records: readonly IncomingRecord[],
    moved: () => void,
  ): Promise<Retry | undefined> {
    const isSolo = records.some(({ topic, partition }) => solo.isSolo(topic, partition))
    const parts =
      hearing.consumer.eachAlone === true || isSolo ? alone(hearing, records) : [records]
    for (const part of parts) {
      const outcome = isSolo ? undefined : await tryTogether(hearing, part)
      if (outcome === 'done') continue
      if (outcome !== undefined) return outcome
      for (const record of part) {
        const retry = await applyOne(hearing, record, moved, isSolo)
        if (retry !== undefined) return retry
      }
    }
    return undefined
  }

  /** Events that the consumer handles are apart; the others between them are not worth a transaction each. */
  function alone(hearing: Hearing, records: readonly IncomingRecord[]): IncomingRecord[][] {
    const parts: IncomingRecord[][] = []
    let passing: IncomingRecord[] = []
    for (const record of records) {
      if (hearing.isPassing(record)) passing.push(record)
      else {
        parts.push(passing, [record])
        passing = []
      }
    }
    return [...parts, passing].filter(part => part.length > 0)
  }

  /** @returns undefined when the part has failed and is to be done again one by one */
  async function tryTogether(
    hearing: Hearing,
    records: readonly IncomingRecord[],
  ): Promise<Retry | 'done' | undefined> {
    // One event alone is not tried twice for the same outcome.
    if (records.length === 1) return undefined
    try {
      await note(hearing, await timed(hearing, records))
      return 'done'
    } catch (error) {
      return isDependencyFailure(error) ? new Retry(error) : undefined
    }
  }

  async function applyOne(
    hearing: Hearing,
    record: IncomingRecord,
    moved: () => void,
    isSolo: boolean,
  ): Promise<Retry | undefined> {
    const consumer = hearing.consumer.name
    const id = record.headers[header.id] ?? ''
    const isWatched = isSolo && uuid.test(id)
    try {
      const crash = isWatched ? await solo.attempt(consumer, id) : undefined
      if (crash !== undefined) await parkFailed(hearing, record, crash)
      else await attempt(hearing, record, moved)
      if (isWatched) await solo.survived(consumer, id)
      return undefined
    } catch (error) {
      // Nothing that was tried is to blame, so the try does not count.
      if (isWatched) await solo.survived(consumer, id).catch(() => undefined)
      return new Retry(error)
    }
  }

  /** @throws only what is transient */
  async function attempt(
    hearing: Hearing,
    record: IncomingRecord,
    moved: () => void,
  ): Promise<void> {
    const beganAt = performance.now()
    for (let attempts = 1; ; attempts += 1) {
      moved()
      try {
        await note(hearing, await timed(hearing, [record]))
        return
      } catch (error) {
        if (isDependencyFailure(error)) throw error
        // A handler that takes its whole time at each attempt would hold up the partition for minutes.
        const isTimeLeft = performance.now() - beganAt < standstillMs
        if (attempts < attemptsMax && isTimeLeft) continue
        await parkFailed(hearing, record, failure(error, attempts))
        return
      }
    }
  }

  async function timed(hearing: Hearing, records: readonly IncomingRecord[]): Promise<Applied> {
    const stop = meters.handling.startTimer({ consumer: hearing.consumer.name })
    try {
      return await apply(deps, hearing, records)
    } finally {
      stop()
    }
  }

  async function parkFailed(
    hearing: Hearing,
    record: IncomingRecord,
    reason: ParkReason,
  ): Promise<void> {
    const consumer = hearing.consumer.name
    const { topic, offset } = record
    const { errorClass, error, stack } = reason
    logger.error({ errorClass, error, stack, consumer, topic, offset: String(offset) }, 'parked')
    await parkRecord(deps.postgres, consumer, record, reason)
    meters.parked.inc({ consumer, error_class: errorClass })
    await stops.note(consumer, { applied: 0, parked: 1 })
  }

  async function note(hearing: Hearing, applied: Applied): Promise<void> {
    const consumer = hearing.consumer.name
    const { events, duplicates, forgotten, baselines, parked } = applied
    if (duplicates > 0) meters.duplicates.inc({ consumer }, duplicates)
    if (forgotten > 0) meters.forgotten.inc({ consumer }, forgotten)
    if (baselines > 0) meters.baselines.inc({ consumer }, baselines)
    for (const errorClass of parked) {
      meters.parked.inc({ consumer, error_class: errorClass })
      if (errorClass === 'gap') meters.gaps.inc({ consumer })
      logger.error({ consumer, errorClass }, 'event parked')
    }
    const now = Date.now()
    for (const { type, time } of events) {
      meters.endToEnd.observe({ type, consumer }, Math.max(0, now - time.getTime()) / 1000)
    }
    const roots = parked.filter(errorClass => errorClass !== 'behind').length
    await stops.note(consumer, { applied: events.length, parked: roots })
  }
}

/** Nothing else could work now either: wait, then do the same records again. */
class Retry {
  readonly cause: unknown
  /** Somebody has decided it; nothing has failed. */
  readonly isStop: boolean

  constructor(cause: unknown, isStop = false) {
    this.cause = cause
    this.isStop = isStop
  }
}

function nameOf({ topic, partition }: Batch): string {
  return `${topic} ${partition}`
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
