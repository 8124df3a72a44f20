import { topics } from '@campus/contracts/topics'
import type { Kafka } from '@campus/platform/events/kafka'
import type { Positions } from '@campus/platform/events/kafka-read'
import { type Exit, exit } from '../exit.ts'
import { type Operation, operate } from '../operation.ts'
import type { CommonOptions } from '../options.ts'
import type { Row } from '../output.ts'
import { readTopic } from './read-topic.ts'

/** Shows the topics with their counts and the times of their first and last records. */
export async function ls(options: CommonOptions): Promise<void> {
  await operate(options, listTopics)
}

/** @see ls */
export async function listTopics(operation: Operation): Promise<Exit> {
  const kafka = operation.kafka()
  const rows = await Promise.all(topics.map(({ name }) => describe(operation, kafka, name)))
  operation.output.table(rows, 'There are no topics.')
  return exit.done
}

async function describe(operation: Operation, kafka: Kafka, topic: string): Promise<Row> {
  if ((await kafka.admin.describe(topic)) === undefined) {
    return {
      topic,
      partitions: 0,
      records: 0,
      oldest: 'missing: campus topics apply',
      newest: null,
    }
  }
  const rows = await kafka.admin.offsets(topic)
  const held = rows.filter(({ low, high }) => high > low)
  const at = (of: (row: (typeof rows)[number]) => bigint): Positions =>
    new Map(held.map(row => [row.partition, of(row)]))
  const times = async (from: Positions, until: Positions) => {
    const found: number[] = []
    const { timeoutMs, signal } = operation
    const onRecord = ({ timestamp }: { timestamp: Date }) => found.push(timestamp.getTime())
    await readTopic(kafka, { topic, from, until, onRecord, stallMs: timeoutMs, signal })
    return found
  }
  // One record of each partition at either end; compaction may have taken the first one.
  const [firsts, lasts] = await Promise.all([
    times(
      at(({ low }) => low),
      at(({ low }) => low + 1n),
    ),
    times(
      at(({ high }) => high - 1n),
      at(({ high }) => high),
    ),
  ])
  return {
    topic,
    partitions: rows.length,
    // Compaction leaves holes, so for a compacted topic this is the most that there can be.
    records: rows.reduce((sum, { low, high }) => sum + high - low, 0n),
    oldest: firsts.length === 0 ? null : new Date(Math.min(...firsts)).toISOString(),
    newest: lasts.length === 0 ? null : new Date(Math.max(...lasts)).toISOString(),
  }
}
