import type { Kafka as KafkaClient } from 'kafkajs'
import { v7 } from 'uuid'
import type { KafkaAdmin } from './kafka-admin.ts'
import { type Consumption, consume } from './kafka-consume.ts'
import type { IncomingRecord } from './kafka-record.ts'

export interface Read {
  readonly topic: string
  readonly onRecord: (record: IncomingRecord) => void
  /** Everything that the topic held when the reading began has been seen. */
  readonly onCaughtUp?: () => void
  readonly onCrash: (error: Error) => void
}

/** @see Kafka.read */
export async function read(
  client: KafkaClient,
  prefix: string,
  admin: KafkaAdmin,
  options: Read,
): Promise<Consumption> {
  const { topic } = options
  // Partitions that have not reached the end they had at the start; unknown until the broker answers.
  let behind: Map<number, bigint> | undefined
  let isCaughtUp = false
  const passed = new Map<number, bigint>()

  function reach(partition: number, next: bigint): void {
    passed.set(partition, next)
    if (isCaughtUp || behind === undefined) return
    for (const [one, end] of behind) if ((passed.get(one) ?? 0n) >= end) behind.delete(one)
    if (behind.size > 0) return
    isCaughtUp = true
    options.onCaughtUp?.()
  }

  async function findEnds(): Promise<void> {
    const rows = await admin.offsets(topic)
    behind = new Map(rows.filter(r => r.high > r.low).map(r => [r.partition, r.high]))
    reach(-1, 0n)
  }

  const consumption = await consume(client, prefix, {
    group: `campus-read.${v7()}`,
    topics: [topic],
    concurrency: 1,
    onCrash: options.onCrash,
    ping: () => admin.ping(),
    async onBatch(batch) {
      for (const record of batch.records) options.onRecord(record)
      // The group is thrown away: the position lives in this member only.
      batch.skipTo(batch.lastOffset + 1n)
      reach(batch.partition, batch.lastOffset + 1n)
      await batch.heartbeat()
    },
  })
  const timer = setInterval(() => {
    if (behind !== undefined) clearInterval(timer)
    else findEnds().catch(() => undefined)
  }, 500)
  timer.unref()
  findEnds().catch(() => undefined)
  return {
    isRunning: () => consumption.isRunning(),
    async stop() {
      clearInterval(timer)
      await consumption.stop()
    },
  }
}
