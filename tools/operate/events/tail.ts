import { once } from 'node:events'
import type { IncomingRecord } from '@campus/platform/events/kafka-record'
import { CliError } from '../../cli-error.ts'
import { type Exit, exit } from '../exit.ts'
import { type Operation, operate } from '../operation.ts'
import type { CommonOptions, PersonalOptions } from '../options.ts'
import { mayShowPersonal } from '../personal.ts'
import { type EventFilter, eventRow, matcherOf, payloadOf } from './event-row.ts'
import { chooseTopics } from './topic-names.ts'

/** Options of `campus events tail`. */
export interface TailOptions extends PersonalOptions, EventFilter {
  readonly topic?: readonly string[]
  readonly since?: Date
}

/** Prints events as they come, until Ctrl-C. */
export async function tail(options: CommonOptions & TailOptions): Promise<void> {
  await operate(options, operation => followEvents(operation, options))
}

/** @see tail */
export async function followEvents(operation: Operation, options: TailOptions): Promise<Exit> {
  const { output, by, signal } = operation
  const names = chooseTopics(options.topic, mayShowPersonal(options, output, by))
  const isWanted = matcherOf(options)
  const crash = new AbortController()
  function onRecord(record: IncomingRecord): void {
    if (!isWanted(record)) return
    const { type, key, version, time, id } = eventRow(record)
    // A line an event: a table would have to know them all.
    if (output.isJson) output.record({ ...eventRow(record), data: payloadOf(record.value) })
    else output.say(`${time}  ${type}  ${key}  v${version}  ${id}`)
  }
  const readings = await Promise.all(
    names.map(topic =>
      operation.kafka().read({
        topic,
        from: options.since ?? 'end',
        onRecord,
        onCrash: error => crash.abort(error),
      }),
    ),
  )
  const end = AbortSignal.any([signal, crash.signal])
  if (!end.aborted) await once(end, 'abort')
  await Promise.all(readings.map(reading => reading.stop()))
  if (crash.signal.aborted) throw new CliError(`Kafka is gone: ${String(crash.signal.reason)}`)
  return exit.done
}
