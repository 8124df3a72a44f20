import type { IncomingRecord } from '@campus/platform/events/kafka-record'
import { type Exit, exit } from '../exit.ts'
import { type Operation, operate } from '../operation.ts'
import type { CommonOptions, PersonalOptions } from '../options.ts'
import { mayShowPersonal } from '../personal.ts'
import { type EventFilter, eventRow, matcherOf, payloadOf } from './event-row.ts'
import { readTopic } from './read-topic.ts'
import { chooseTopics } from './topic-names.ts'

/** Options of `campus events grep`. */
export interface GrepOptions extends PersonalOptions, EventFilter {
  readonly topic?: readonly string[]
  readonly since?: Date
  readonly until?: Date
  readonly limit: number
}

/** Finds events by type, key, time and story. */
export async function grep(options: CommonOptions & GrepOptions): Promise<void> {
  await operate(options, operation => findEvents(operation, options))
}

/** @see grep */
export async function findEvents(operation: Operation, options: GrepOptions): Promise<Exit> {
  const { output, by, timeoutMs, signal } = operation
  const { since, until, limit } = options
  const names = chooseTopics(options.topic, mayShowPersonal(options, output, by))
  const isWanted = matcherOf(options)
  const enough = new AbortController()
  const found: IncomingRecord[] = []
  function onRecord(record: IncomingRecord): void {
    if (!isWanted(record) || found.length >= limit) return
    found.push(record)
    if (found.length === limit) enough.abort()
  }
  await Promise.all(
    names.map(topic =>
      readTopic(operation.kafka(), {
        topic,
        onRecord,
        stallMs: timeoutMs,
        signal: AbortSignal.any([signal, enough.signal]),
        ...(since !== undefined && { from: since }),
        ...(until !== undefined && { until }),
      }),
    ),
  )
  const inOrder = found
    // A republished event stands later on the topic than the time that it tells.
    .filter(({ timestamp }) => since === undefined || timestamp >= since)
    .filter(({ timestamp }) => until === undefined || timestamp < until)
    .toSorted((a, b) => a.timestamp.getTime() - b.timestamp.getTime())
  output.table(
    inOrder.map(record => ({
      ...eventRow(record),
      ...(output.isJson && { data: payloadOf(record.value) }),
    })),
    'No event matches.',
  )
  if (enough.signal.aborted) output.warn(`Stopped after ${limit} events; --limit allows more.`)
  return found.length === 0 ? exit.nothingToDo : exit.done
}
