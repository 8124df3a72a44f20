import type { Kafka } from '@campus/platform/events/kafka'
import type { Read } from '@campus/platform/events/kafka-read'
import type { IncomingRecord } from '@campus/platform/events/kafka-record'
import { CliError } from '../../cli-error.ts'

/** What to read of a topic. */
export interface TopicRange extends Pick<Read, 'topic' | 'from' | 'until'> {
  readonly onRecord: (record: IncomingRecord) => void
  /** Gives up when nothing has come for so long. */
  readonly stallMs: number
  readonly signal: AbortSignal
}

/**
 * Reads a range of a topic to its end; the default is all that is there now.
 *
 * @throws CliError when the topic gives nothing for too long
 */
export async function readTopic(kafka: Kafka, range: TopicRange): Promise<void> {
  const { topic, from, until = 'end', onRecord, stallMs, signal } = range
  const { promise: ended, resolve, reject } = Promise.withResolvers<void>()
  let movedAt = performance.now()
  const reading = await kafka.read({
    topic,
    until,
    ...(from !== undefined && { from }),
    onRecord(record) {
      movedAt = performance.now()
      onRecord(record)
    },
    onCaughtUp: resolve,
    onCrash: reject,
  })
  const watch = setInterval(() => {
    if (performance.now() - movedAt < stallMs) return
    reject(new CliError(`${topic} has given nothing for ${stallMs / 1_000} s. Is Kafka well?`))
  }, 250)
  signal.addEventListener('abort', () => resolve(), { once: true })
  if (signal.aborted) resolve()
  try {
    await ended
  } finally {
    clearInterval(watch)
    await reading.stop()
  }
}
