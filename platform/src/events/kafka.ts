import {
  type ISocketFactory,
  Kafka as KafkaClient,
  logLevel,
  type Producer,
  type ProducerRecord,
  type RecordMetadata,
} from 'kafkajs'
import type { Logger } from '../process/logger.ts'
import { createAdmin, type KafkaAdmin } from './kafka-admin.ts'
import { type Consume, type Consumption, consume } from './kafka-consume.ts'
import { type Read, read } from './kafka-read.ts'
import type { OutgoingRecord } from './kafka-record.ts'
import { patchKafkajs } from './kafkajs-patch.ts'

/**
 * Everything Campus asks of Kafka. The one place that knows kafkajs, which is unmaintained:
 * replacing it means writing these six methods again (docs/adr/0002-kafka-port.md).
 */
export interface Kafka {
  /** Number of partitions of `topic`, remembered. */
  partitions(topic: string): Promise<number>
  /**
   * Appends records to one partition, in order, and waits for all in-sync replicas.
   *
   * @returns the offset of the first record
   * @throws when the acknowledgement is not exactly for what was sent; the records may be there
   */
  send(topic: string, partition: number, records: readonly OutgoingRecord[]): Promise<bigint>
  /** Joins a consumer group; offsets are committed by the handler of batches. */
  consume(options: Omit<Consume, 'ping'>): Promise<Consumption>
  /**
   * Reads without a group's memory, from the first offset to the present end and then following,
   * unless `from` and `until` say otherwise.
   */
  read(options: Read): Promise<Consumption>
  readonly admin: KafkaAdmin
  close(): Promise<void>
}

export interface KafkaOptions {
  readonly brokers: readonly string[]
  readonly clientId: string
  /** Put before every topic and group, so that several meshes can share a cluster. */
  readonly topicPrefix?: string
  readonly logger?: Logger
  /** Opens each connection; tests go through a proxy here, whatever address the broker advertises. */
  readonly socketFactory?: ISocketFactory
}

/** Makes a client; connections are opened on first use and again after an outage. */
export function createKafka(options: KafkaOptions): Kafka {
  patchKafkajs()
  const prefix = options.topicPrefix ?? ''
  const client = new KafkaClient({
    clientId: options.clientId,
    brokers: [...options.brokers],
    ...(options.socketFactory !== undefined && { socketFactory: options.socketFactory }),
    connectionTimeout: 3_000,
    requestTimeout: 5_000,
    retry: { retries: 3, initialRetryTime: 100, maxRetryTime: 2_000 },
    logLevel: logLevel.WARN,
    logCreator: () => entry => logEntry(options.logger, entry),
  })
  const admin = createAdmin(client, prefix)
  const counts = new Map<string, Promise<number>>()
  let sender = createSender(client)

  return {
    admin,
    partitions(topic) {
      const known = counts.get(topic)
      if (known !== undefined) return known
      const asked = admin.partitions(topic).catch((error: unknown) => {
        counts.delete(topic)
        throw error
      })
      counts.set(topic, asked)
      return asked
    },
    async send(topic, partition, records) {
      const used = sender
      const sending = used.send({
        topic: prefix + topic,
        acks: -1,
        timeout: 5_000,
        messages: records.map(record => ({
          key: record.key,
          value: record.value,
          partition,
          headers: { ...record.headers },
          timestamp: String(record.timestamp.getTime()),
        })),
      })
      const acks = await sending.catch((error: unknown) => {
        if (used === sender) sender = createSender(client)
        used.retire()
        throw error
      })
      // After a leader moves, kafkajs can report success for records it never produced (#1798).
      const [ack] = acks
      const isExact =
        acks.length === 1 &&
        ack !== undefined &&
        ack.topicName === prefix + topic &&
        ack.partition === partition &&
        ack.errorCode === 0 &&
        ack.baseOffset !== undefined
      if (!isExact) throw new UnverifiedAck(`${topic}[${partition}]: ${JSON.stringify(acks)}`)
      return BigInt(ack.baseOffset ?? -1)
    },
    consume: request => consume(client, prefix, { ...request, ping: () => admin.ping() }),
    read: request => read(client, prefix, admin, request),
    async close() {
      await Promise.all([sender.close(), admin.close()])
    },
  }
}

/** The broker's answer does not cover what was sent: nobody knows whether the records are there. */
export class UnverifiedAck extends Error {
  override readonly name = 'UnverifiedAck'
}

/** A producer that is used until a send fails. */
interface Sender {
  send(request: ProducerRecord): Promise<RecordMetadata[]>
  /** Nothing more will be sent: closes it once the sends that it still has in flight are over. */
  retire(): void
  close(): Promise<void>
}

/**
 * One connection for all sends, until one fails: kafkajs goes on asking a leader that does not answer for
 * as long as it believes its metadata, five minutes. A fresh producer asks who leads now.
 */
function createSender(client: KafkaClient): Sender {
  let producer: Promise<Producer> | undefined
  let inFlight = 0
  let isRetired = false

  async function close(): Promise<void> {
    const open = await producer?.catch(() => undefined)
    await open?.disconnect().catch(() => undefined)
  }

  return {
    async send(request) {
      inFlight += 1
      try {
        producer ??= connectProducer(client)
        return await (await producer).send(request)
      } finally {
        inFlight -= 1
        if (isRetired && inFlight === 0) void close()
      }
    },
    retire() {
      isRetired = true
      if (inFlight === 0) void close()
    },
    close,
  }
}

async function connectProducer(client: KafkaClient): Promise<Producer> {
  const producer = client.producer({
    maxInFlightRequests: 1,
    // A failed idempotent send rolls the sequence back, and a later batch may be dropped as a
    // duplicate; the inbox removes duplicates instead.
    idempotent: false,
    allowAutoTopicCreation: false,
    retry: { retries: 3, initialRetryTime: 100, maxRetryTime: 2_000 },
  })
  await producer.connect()
  return producer
}

function logEntry(
  logger: Logger | undefined,
  entry: { level: logLevel; log: { message: string; error?: unknown } },
): void {
  const { message, error } = entry.log
  // kafkajs calls each lost connection an error; whether it matters is decided by who waits.
  if (entry.level <= logLevel.WARN) logger?.warn({ kafka: { message, error } }, 'kafka client')
}
