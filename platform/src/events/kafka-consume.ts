import { setTimeout as delay, setImmediate as nextTurn } from 'node:timers/promises'
import type { Consumer, EachBatchPayload, Kafka as KafkaClient } from 'kafkajs'
import { type IncomingRecord, toRecord } from './kafka-record.ts'

/** Records of one partition, in order. */
export interface Batch {
  readonly topic: string
  readonly partition: number
  readonly records: readonly IncomingRecord[]
  /** Offset of the last record, control records included. */
  readonly lastOffset: bigint
  /** Offset after the last record of the partition. */
  readonly highWatermark: bigint
  /** False once the partition may belong to another member: stop working on the batch. */
  isCurrent(): boolean
  /** Goes on from `next` without remembering it for the group. */
  skipTo(next: bigint): void
  /** Fetches nothing from this partition for a while; uncommitted records come again. */
  pause(ms: number): void
}

/** What one fetch has brought: at most one batch of each partition. */
export interface Fetched {
  readonly batches: readonly Batch[]
  /** @throws when this member is no longer part of the group */
  heartbeat(): Promise<void>
  /** Remembers that everything before each `next` is done. Only after the database has committed. */
  commit(positions: readonly Position[]): Promise<void>
}

/** The next record of a partition. */
export interface Position {
  readonly batch: Batch
  readonly next: bigint
}

export interface Consume {
  readonly group: string
  readonly topics: readonly string[]
  /**
   * Called for each fetch that has brought something; the next one begins when it has resolved. Must not
   * throw: an error here would stop all partitions of this member.
   */
  readonly onFetched: (fetched: Fetched) => Promise<void>
  /** The member ended for good and cannot continue in this process. */
  readonly onCrash: (error: Error) => void
  readonly onRebalance?: () => void
  /** The group has given this member its partitions. */
  readonly onJoin?: () => void
  /** @throws when no broker answers */
  readonly ping: () => Promise<void>
}

export interface Consumption {
  /** Whether the group has this member now. */
  isRunning(): boolean
  /** Finishes the batches in work, leaves the group. */
  stop(): Promise<void>
}

const joinAgainMs = 1_000
/**
 * A member that has fetched nothing for so long, although a broker answers, is stuck: kafkajs is known
 * to stop without a word (kafkajs#1443). An idle one fetches twice a second.
 */
const silentMs = 60_000
const watchMs = 5_000
/** A stop waits so long for an attempt to join that is under way. */
const joinPatienceMs = 2_000
/**
 * All batches of a fetch begin at once, so that they can be gathered: as many as groups usually have
 * partitions. What is above that is gathered by itself; the client walks through all of these each time.
 */
const partitionsMax = 100

/** @see Kafka.consume */
export async function consume(
  client: KafkaClient,
  prefix: string,
  options: Consume,
): Promise<Consumption> {
  const consumer = client.consumer({
    groupId: prefix + options.group,
    sessionTimeout: 10_000,
    heartbeatInterval: 3_000,
    rebalanceTimeout: 20_000,
    // Stop, rebalance and retry wait for the long polls of the other brokers.
    maxWaitTimeInMs: 400,
    maxBytes: 2_000_000,
    maxBytesPerPartition: 512_000,
    allowAutoTopicCreation: false,
    retry: { retries: 5, initialRetryTime: 100, maxRetryTime: 2_000 },
  })
  let isRunning = false
  let isStopping = false
  let polledAt = performance.now()
  const { GROUP_JOIN, CRASH, REBALANCING, DISCONNECT, FETCH, END_BATCH_PROCESS } = consumer.events
  for (const event of [GROUP_JOIN, FETCH, END_BATCH_PROCESS] as const) {
    consumer.on(event, () => {
      polledAt = performance.now()
    })
  }
  async function watchSilence(): Promise<void> {
    const isSilent = () => !isStopping && performance.now() - polledAt >= silentMs
    if (!isSilent()) return
    // Without a broker nobody can fetch; that is waited for.
    const hasBroker = await options.ping().then(
      () => true,
      () => false,
    )
    if (hasBroker && isSilent()) options.onCrash(new Error('The consumer is stuck.'))
  }
  const watch = setInterval(() => void watchSilence(), watchMs)
  watch.unref()
  consumer.on(GROUP_JOIN, () => {
    isRunning = true
    options.onJoin?.()
  })
  consumer.on(REBALANCING, () => {
    isRunning = false
    options.onRebalance?.()
  })
  consumer.on(DISCONNECT, () => {
    isRunning = false
  })
  consumer.on(CRASH, ({ payload: { error, restart } }) => {
    isRunning = false
    // With restart=false kafkajs has given up although the process lives.
    if (!restart && !isStopping) options.onCrash(error)
  })

  const joined = join(consumer, prefix, options, () => isStopping)
  // A broker that is absent at start is waited for in the background.
  joined.catch((error: unknown) => {
    if (!isStopping) options.onCrash(error instanceof Error ? error : new Error(String(error)))
  })
  return {
    isRunning: () => isRunning,
    async stop() {
      isStopping = true
      isRunning = false
      clearInterval(watch)
      // A client that is told to leave while it joins would join afterwards and stay for ever.
      const hasJoined = await Promise.race([
        joined.then(
          () => true,
          () => true,
        ),
        delay(joinPatienceMs, false, { ref: false }),
      ])
      if (hasJoined) return consumer.disconnect()
      // The broker does not answer: whatever comes of the attempt, it is not waited for.
      joined.then(
        () => consumer.disconnect(),
        () => undefined,
      )
    },
  }
}

async function join(
  consumer: Consumer,
  prefix: string,
  { topics, onFetched }: Consume,
  isStopping: () => boolean,
): Promise<void> {
  while (!isStopping()) {
    try {
      await consumer.connect()
      if (isStopping()) return
      // The client's default starts at the end when an offset is lost: silent loss.
      await consumer.subscribe({ topics: topics.map(topic => prefix + topic), fromBeginning: true })
      await consumer.run({
        autoCommit: false,
        eachBatchAutoResolve: false,
        partitionsConsumedConcurrently: partitionsMax,
        eachBatch: gathering(payloads => onFetched(toFetched(prefix, payloads))),
      })
      return
    } catch {
      await delay(joinAgainMs)
    }
  }
}

/**
 * The client calls for each partition of a fetch by itself, all in the same turn, and fetches again when
 * every call has resolved. Here they become one call.
 */
function gathering(
  work: (payloads: readonly EachBatchPayload[]) => Promise<void>,
): (payload: EachBatchPayload) => Promise<void> {
  let gathered: EachBatchPayload[] = []
  let whole: Promise<void> | undefined

  async function workTogether(): Promise<void> {
    await nextTurn()
    const payloads = gathered
    gathered = []
    whole = undefined
    await work(payloads)
  }

  return payload => {
    gathered.push(payload)
    whole ??= workTogether()
    return whole
  }
}

function toFetched(prefix: string, payloads: readonly EachBatchPayload[]): Fetched {
  return {
    batches: payloads.map(payload => toBatch(prefix, payload)),
    heartbeat: async () => payloads[0]?.heartbeat(),
    async commit(positions) {
      for (const { batch, next } of positions) batch.skipTo(next)
      const topics = Map.groupBy(positions, ({ batch }) => batch.topic)
      await payloads[0]?.commitOffsetsIfNecessary({
        topics: [...topics].map(([topic, own]) => ({
          topic: prefix + topic,
          partitions: own.map(({ batch: { partition }, next }) => {
            return { partition, offset: String(next) }
          }),
        })),
      })
    },
  }
}

function toBatch(prefix: string, payload: EachBatchPayload): Batch {
  const { batch } = payload
  const { partition } = batch
  const topic = batch.topic.slice(prefix.length)
  return {
    topic,
    partition,
    records: batch.messages.map(message => toRecord(topic, partition, message)),
    lastOffset: BigInt(batch.lastOffset()),
    highWatermark: BigInt(batch.highWatermark),
    isCurrent: () => payload.isRunning() && !payload.isStale(),
    skipTo: next => payload.resolveOffset(String(next - 1n)),
    pause(ms) {
      const resume = payload.pause()
      setTimeout(() => {
        try {
          resume()
        } catch {
          // The member has left the group meanwhile; whoever owns the partition now reads it.
        }
      }, ms).unref()
    },
  }
}
