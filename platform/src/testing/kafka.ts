import { randomBytes } from 'node:crypto'
import type { Topic } from '@campus/contracts/topics'
import { createKafka, type Kafka } from '../events/kafka.ts'
import type { IncomingRecord } from '../events/kafka-record.ts'
import type { Cleanup } from './cleanup.ts'

/** Topics and groups of one test file, apart from all others on the same broker. */
export interface TestKafka {
  readonly kafka: Kafka
  readonly brokers: string
  readonly topicPrefix: string
  /** Everything that is on `topic` now, in offset order inside each partition. */
  records(topic: string): Promise<IncomingRecord[]>
}

/** Connects to the broker that `npm test` started and creates `topics` under a prefix. */
export async function createTestKafka(t: Cleanup, topics: readonly Topic[]): Promise<TestKafka> {
  const brokers = process.env['KAFKA_BROKERS']
  if (brokers === undefined) throw new Error('Run the tests by `npm test`: it starts Kafka.')
  const topicPrefix = `test-${randomBytes(6).toString('hex')}.`
  const kafka = createKafka({ brokers: brokers.split(','), clientId: 'test', topicPrefix })
  await kafka.admin.create(topics)
  t.teardown(async () => {
    // A broker with a small heap holds a few thousand partitions and no more.
    await kafka.admin.remove(topics.map(({ name }) => name)).catch(() => undefined)
    await kafka.close()
  })
  return {
    kafka,
    brokers,
    topicPrefix,
    records: topic => readAll(kafka, topic),
  }
}

/** Everything that is on `topic` now, in offset order inside each partition. */
export async function readAll(kafka: Kafka, topic: string): Promise<IncomingRecord[]> {
  const records: IncomingRecord[] = []
  const { promise: caughtUp, resolve, reject } = Promise.withResolvers<void>()
  const reading = await kafka.read({
    topic,
    onRecord: record => records.push(record),
    onCaughtUp: resolve,
    onCrash: reject,
  })
  await caughtUp
  await reading.stop()
  return records
}
