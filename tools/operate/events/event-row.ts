import { header } from '@campus/contracts/envelope'
import type { IncomingRecord } from '@campus/platform/events/kafka-record'
import { CliError } from '../../cli-error.ts'
import type { Row } from '../output.ts'

/** An event as a line: its envelope. */
export function eventRow({ topic, partition, offset, key, headers, timestamp }: IncomingRecord) {
  return {
    time: timestamp.toISOString(),
    topic,
    partition,
    offset,
    type: headers[header.type] ?? null,
    key,
    version: headers[header.version] ?? null,
    id: headers[header.id] ?? null,
    correlation: headers[header.correlationId] ?? null,
  }
}

/** The payload of a record: JSON where it is JSON, null for a tombstone. */
export function payloadOf(value: Buffer | null): Exclude<Row[string], undefined> {
  if (value === null) return null
  const text = value.toString('utf8')
  try {
    return JSON.parse(text)
  } catch {
    // Bytes that are no text are shown as hexadecimal.
    return Buffer.from(text).equals(value) ? text : `0x${value.toString('hex')}`
  }
}

/** Which events are asked for. */
export interface EventFilter {
  /** `*` stands for any letters. */
  readonly type?: string
  readonly key?: string
  readonly correlation?: string
}

/**
 * Whether a record is one of those that are asked for.
 *
 * @throws CliError for a pattern that no type can match
 */
export function matcherOf(filter: EventFilter): (record: IncomingRecord) => boolean {
  if (filter.type !== undefined && !/^[\w.*]+$/.test(filter.type)) {
    throw new CliError(`"${filter.type}" is no pattern of types: orders.*.v1 is one.`)
  }
  const pattern =
    filter.type === undefined
      ? undefined
      : new RegExp(`^${filter.type.replaceAll('.', '[.]').replaceAll('*', '.*')}$`)
  return ({ key, headers }) =>
    (pattern === undefined || pattern.test(headers[header.type] ?? '')) &&
    (filter.key === undefined || filter.key === key) &&
    (filter.correlation === undefined || filter.correlation === headers[header.correlationId])
}
