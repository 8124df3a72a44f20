import { header } from '@campus/contracts/envelope'
import { isDependencyFailure } from '../data/dependency.ts'
import type { Logger } from '../process/logger.ts'
import { type Applied, type ApplyDeps, apply, parkRecord } from './apply.ts'
import { uuid } from './decode.ts'
import type { Hearing } from './hearing.ts'
import type { Batch, Fetched } from './kafka-consume.ts'
import type { IncomingRecord } from './kafka-record.ts'
import type { ConsumerMeters } from './meters.ts'
import { failure, type ParkReason } from './park.ts'
import type { GroupPast } from './past.ts'
import type { Solo } from './solo.ts'
import type { Stops } from './stops.ts'

// The work of one consumer group. Whatever a fetch has brought, from all partitions, is applied in one
// transaction a consumer, at most so many records at a time; when that fails it is rolled back and done
// again partition by partition, and in the one that fails event by event, so that one bad event costs its
// own key and nothing else:
//
//   transient error  pause the partitions, try again with full jitter 0.5 s → 30 s, no limit
//   permanent error  after 5 attempts park the key; later events of the key wait behind it
//
// Offsets are committed after the database. A crash in between delivers again, and the primary key
// of the inbox turns the second delivery into nothing.

/** Records in one transaction at most. */
const togetherMax = 100
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

/** Records of one partition that are worked on now. */
interface Part {
  readonly batch: Batch
  readonly records: readonly IncomingRecord[]
  /** Where to go on after them. */
  readonly next: bigint
}

/** @returns what to do with what the group fetches; it never throws, which would stop the client */
export function createFetchHandler(
  deps: GroupDeps,
  hearings: readonly Hearing[],
): (fetched: Fetched) => Promise<void> {
  const { logger, meters, solo, stops } = deps
  /** Partitions that wait after a transient error: how often in a row. */
  const waiting = new Map<string, number>()

  return async fetched => {
    const positions = new Map(fetched.batches.map(batch => [batch, 0]))
    for (;;) {
      for (const batch of positions.keys()) if (!batch.isCurrent()) positions.delete(batch)
      const parts = takeParts(positions)
      if (parts.length === 0) return
      const retries = await withHeartbeat(fetched, moved => applyParts(parts, moved))
      for (const [{ batch }, retry] of retries) {
        pause(batch, retry)
        positions.delete(batch)
      }
      const done = parts.filter(part => !retries.has(part))
      for (const { batch } of done) waiting.delete(nameOf(batch))
      try {
        if (done.length > 0) await fetched.commit(done)
        await fetched.heartbeat()
      } catch (error) {
        // The group has moved on; the inbox absorbs what is delivered again.
        logger.debug({ err: error }, 'batches given up')
        return
      }
      for (const { batch, next } of done) if (next > batch.lastOffset) noteLag(batch)
    }
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

  /** @returns the parts that are not done, and why */
  async function applyParts(parts: readonly Part[], moved: () => void): Promise<Map<Part, Retry>> {
    const retries = new Map<Part, Retry>()
    for (const part of parts) {
      const retry = await whyNotNow(part)
      if (retry !== undefined) retries.set(part, retry)
    }
    for (const hearing of hearings) {
      const heard = parts.filter(part => !retries.has(part) && hearing.topics.has(part.batch.topic))
      for (const [part, retry] of await applyHeard(hearing, heard, moved)) retries.set(part, retry)
    }
    for (const part of parts.filter(one => !retries.has(one))) {
      for (const { topic, partition } of part.records) solo.passed(topic, partition)
    }
    return retries
  }

  async function whyNotNow({ batch: { topic }, records }: Part): Promise<Retry | undefined> {
    for (const { consumer, topics } of hearings) {
      const reason = topics.has(topic) ? stops.reasonOf(consumer.name) : undefined
      if (reason !== undefined) return new Retry(`${consumer.name} is stopped: ${reason}`, true)
    }
    const [first] = records
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
    return undefined
  }

  async function applyHeard(
    hearing: Hearing,
    parts: readonly Part[],
    moved: () => void,
  ): Promise<Map<Part, Retry>> {
    const retries = new Map<Part, Retry>()
    const free = parts.filter(({ batch }) => !solo.isSolo(batch.topic, batch.partition))
    const outcome = await tryTogether(
      hearing,
      free.flatMap(({ records }) => records),
    )
    if (outcome instanceof Retry) for (const part of free) retries.set(part, outcome)
    const left = outcome === 'failed' ? parts : parts.filter(part => !free.includes(part))
    for (const part of left) {
      moved()
      const retry = await applyPart(hearing, part, moved)
      if (retry !== undefined) retries.set(part, retry)
    }
    return retries
  }

  async function applyPart(
    hearing: Hearing,
    { batch, records }: Part,
    moved: () => void,
  ): Promise<Retry | undefined> {
    const isSolo = solo.isSolo(batch.topic, batch.partition)
    const outcome = isSolo ? 'failed' : await tryTogether(hearing, records)
    if (outcome === 'done') return undefined
    if (outcome !== 'failed') return outcome
    for (const record of records) {
      const retry = await applyOne(hearing, record, moved, isSolo)
      if (retry !== undefined) return retry
    }
    return undefined
  }

  /** @returns `failed` when the records are to be done again in smaller portions */
  async function tryTogether(
    hearing: Hearing,
    records: readonly IncomingRecord[],
  ): Promise<Retry | 'done' | 'failed'> {
    if (records.length === 0) return 'done'
    // One event alone is not tried twice for the same outcome.
    if (records.length === 1) return 'failed'
    try {
      await note(hearing, await timed(hearing, records))
      return 'done'
    } catch (error) {
      return isDependencyFailure(error) ? new Retry(error) : 'failed'
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

/** The next records of each batch, as many as fit into one transaction; advances the positions. */
function takeParts(positions: Map<Batch, number>): Part[] {
  const parts: Part[] = []
  let free = togetherMax
  for (const [batch, from] of positions) {
    const records = batch.records.slice(from, from + free)
    const last = records.at(-1)
    if (last === undefined) continue
    free -= records.length
    positions.set(batch, from + records.length)
    const isEnd = from + records.length === batch.records.length
    // The last record of a batch may be followed by what is none, e.g. a mark of the broker.
    parts.push({ batch, records, next: (isEnd ? batch.lastOffset : last.offset) + 1n })
  }
  return parts
}

async function withHeartbeat<T>(
  fetched: Fetched,
  work: (moved: () => void) => Promise<T>,
): Promise<T> {
  let movedAt = performance.now()
  const timer = setInterval(() => {
    if (performance.now() - movedAt < standstillMs) fetched.heartbeat().catch(() => undefined)
  }, heartbeatMs)
  try {
    return await work(() => {
      movedAt = performance.now()
    })
  } finally {
    clearInterval(timer)
  }
}
