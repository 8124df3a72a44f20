import type { Kafka as KafkaClient } from 'kafkajs'
import { v7 } from 'uuid'
import type { KafkaAdmin } from './kafka-admin.ts'
import { type Batch, type Consumption, consume } from './kafka-consume.ts'
import type { IncomingRecord } from './kafka-record.ts'

/** An offset for each partition that matters; the others are not read. */
export type Positions = ReadonlyMap<number, bigint>

export interface Read {
  readonly topic: string
  /** Where to begin: a moment of record time, `end` for what comes from now on, or offsets. */
  readonly from?: Date | 'end' | Positions
  /** Where to stop delivering: at the end that the topic has now, at a moment, or at offsets. */
  readonly until?: Date | 'end' | Positions
  readonly onRecord: (record: IncomingRecord) => void
  /**
   * Everything up to `until` has been seen; without it, everything that the topic held when the
   * reading began. A bound is a position, not a record: it is reached although nothing is there.
   */
  readonly onCaughtUp?: () => void
  readonly onCrash: (error: Error) => void
}

interface Bounds {
  readonly start: Positions
  /** Absent when the reading follows. */
  readonly stop?: Positions
  /** Positions that mean caught up. */
  readonly ends: Positions
}

/**
 * @throws when `from` or `until` is given and no broker answers
 * @see Kafka.read
 */
export async function read(
  client: KafkaClient,
  prefix: string,
  admin: KafkaAdmin,
  options: Read,
): Promise<Consumption> {
  const isBounded = options.from !== undefined || options.until !== undefined
  // Without bounds a broker that is absent is waited for in the background.
  const bounds = isBounded ? await findBounds(admin, options) : undefined
  const progress = createProgress(options, bounds)
  if (bounds !== undefined) progress.expect(bounds)
  if (bounds?.stop !== undefined && progress.isCaughtUp()) {
    return { isRunning: () => false, stop: async () => undefined }
  }

  const consumption = await consume(client, prefix, {
    group: `campus-read.${v7()}`,
    topics: [options.topic],
    onCrash: options.onCrash,
    ping: () => admin.ping(),
    async onFetched({ batches }) {
      // The group is thrown away: the position lives in this member only.
      for (const batch of batches) batch.skipTo(progress.take(batch))
    },
  })
  const stopAsking = bounds === undefined ? askForEnds(admin, options, progress) : () => undefined
  return {
    isRunning: () => consumption.isRunning(),
    async stop() {
      stopAsking()
      await consumption.stop()
    },
  }
}

/** What has been read of each partition, and whether that is enough. */
function createProgress(options: Read, bounds: Bounds | undefined) {
  const passed = new Map<number, bigint>(bounds?.start)
  let behind: Map<number, bigint> | undefined
  let isCaughtUp = false

  function check(): void {
    if (isCaughtUp || behind === undefined) return
    for (const [one, end] of behind) if ((passed.get(one) ?? 0n) >= end) behind.delete(one)
    if (behind.size > 0) return
    isCaughtUp = true
    options.onCaughtUp?.()
  }

  return {
    isCaughtUp: () => isCaughtUp,
    expect({ ends }: Pick<Bounds, 'ends'>): void {
      behind = new Map(ends)
      check()
    },
    /** Delivers what is inside the bounds. @returns where to go on */
    take({ partition, records, lastOffset, highWatermark }: Batch): bigint {
      // A member that joins again begins at the first offset. Inside of bounds, what it has delivered is
      // passed over; a reading that follows delivers again what may be another topic by now.
      const from = bounds === undefined ? 0n : (passed.get(partition) ?? highWatermark)
      const stop = bounds?.stop === undefined ? undefined : (bounds.stop.get(partition) ?? 0n)
      for (const record of records) {
        const isInside = record.offset >= from && (stop === undefined || record.offset < stop)
        if (isInside) options.onRecord(record)
      }
      const after = lastOffset + 1n
      let next = after > from ? after : from
      // Nothing behind the bound matters: the rest of the partition is not fetched.
      if (stop !== undefined && next >= stop && highWatermark > next) next = highWatermark
      passed.set(partition, next)
      check()
      return next
    },
  }
}

/** Asks for the present end until a broker answers. @returns ends the asking */
function askForEnds(
  admin: KafkaAdmin,
  { topic }: Read,
  progress: ReturnType<typeof createProgress>,
): () => void {
  let isKnown = false
  async function ask(): Promise<void> {
    const rows = await admin.offsets(topic)
    if (isKnown) return
    isKnown = true
    progress.expect({
      ends: new Map(rows.filter(r => r.high > r.low).map(r => [r.partition, r.high])),
    })
  }
  const timer = setInterval(() => {
    if (isKnown) clearInterval(timer)
    else ask().catch(() => undefined)
  }, 500)
  timer.unref()
  ask().catch(() => undefined)
  return () => clearInterval(timer)
}

async function findBounds(admin: KafkaAdmin, { topic, from, until }: Read): Promise<Bounds> {
  const rows = await admin.offsets(topic)
  const lows = new Map(rows.map(row => [row.partition, row.low]))
  const highs = new Map(rows.map(row => [row.partition, row.high]))
  const given = async (bound: Date | 'end' | Positions): Promise<Positions> => {
    if (bound === 'end') return highs
    if (!(bound instanceof Date)) return bound
    const found = await admin.offsetsAt(topic, bound)
    return new Map(found.map(({ partition, offset }) => [partition, offset]))
  }
  const first = from === undefined ? lows : await given(from)
  const stop = until === undefined ? undefined : await given(until)
  // A start outside of what is kept would make the client begin somewhere else.
  const start = new Map(
    [...first].map(([partition, offset]) => {
      const low = lows.get(partition) ?? 0n
      const high = highs.get(partition) ?? 0n
      return [partition, offset < low ? low : offset > high ? high : offset] as const
    }),
  )
  const ends = new Map(
    [...start].flatMap(([partition, offset]) => {
      const high = highs.get(partition) ?? 0n
      const wanted = stop === undefined ? high : (stop.get(partition) ?? 0n)
      const end = wanted < high ? wanted : high
      return end > offset ? [[partition, end] as const] : []
    }),
  )
  return { start, ends, ...(stop !== undefined && { stop }) }
}
