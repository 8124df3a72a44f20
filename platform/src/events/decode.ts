import { type Event, type EventKind, header, splitType } from '@campus/contracts/envelope'
import type { IncomingRecord } from './kafka-record.ts'
import { checkConsumed } from './schemas.ts'

/** Bytes that are no event of ours, or one of a major version that this build does not know. */
export class UnreadableRecord extends Error {
  override readonly name = 'UnreadableRecord'
}

/** An event id in its canonical form. */
export const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/

/** Ids of the future would leave the inbox partitions that exist. */
const futureMs = 3_600_000

/** The envelope of a record, before anybody looks at its payload. */
export interface Envelope {
  readonly id: string
  readonly type: string
  readonly key: string
  readonly version: number
}

/** @throws UnreadableRecord */
export function readEnvelope({ headers, key }: IncomingRecord, now: Date): Envelope {
  const id = headers[header.id] ?? ''
  const type = headers[header.type] ?? ''
  const version = Number(headers[header.version])
  if (!uuid.test(id)) throw new UnreadableRecord('The record has no event id.')
  if (type === '') throw new UnreadableRecord('The record has no event type.')
  if (key === null || key !== headers[header.key]) {
    throw new UnreadableRecord('The record key is not the key of its envelope.')
  }
  if (!Number.isSafeInteger(version) || version < 1) {
    throw new UnreadableRecord('The record has no aggregate version.')
  }
  if (Number.parseInt(id.slice(0, 8) + id.slice(9, 13), 16) > now.getTime() + futureMs) {
    throw new UnreadableRecord('The event id is more than an hour in the future.')
  }
  return { id, type, key, version }
}

/**
 * The event that a record carries, with a payload that meets the schema of `wanted`, read open.
 *
 * @param kind what the record holds: `wanted` itself or an older kind that is upcast to it
 * @throws UnreadableRecord, ContractViolation
 */
export function decode(
  record: IncomingRecord,
  envelope: Envelope,
  kind: EventKind,
  wanted: EventKind,
): Event {
  const { headers, value } = record
  const data = value === null ? null : payloadOf(parse(value), kind, wanted)
  const replayId = headers[header.replayId]
  return {
    ...envelope,
    type: wanted.type,
    subject: headers[header.subject] ?? envelope.key.slice(envelope.key.indexOf(':') + 1),
    time: new Date(headers[header.time] ?? record.timestamp),
    correlationId: headers[header.correlationId] ?? envelope.id,
    causationId: headers[header.causationId] ?? envelope.id,
    actor: headers[header.actor] ?? 'service:unknown',
    traceparent: headers[header.traceparent] ?? '',
    ...(replayId !== undefined && { replayId }),
    data,
  }
}

function payloadOf(data: unknown, kind: EventKind, wanted: EventKind): unknown {
  if (kind !== wanted && wanted.upcast !== undefined) {
    const older = payloadOf(data, kind, wanted.upcast.from)
    return payloadOf(wanted.upcast.up(older), wanted, wanted)
  }
  checkConsumed(wanted, data)
  return data
}

function parse(value: Buffer): unknown {
  try {
    return JSON.parse(value.toString('utf8'))
  } catch (error) {
    throw new UnreadableRecord('The payload is no JSON.', { cause: error })
  }
}

/** Whether `type` is another major version of one of `known`: a fact that this build cannot read. */
export function isUnknownMajor(type: string, known: ReadonlySet<string>): boolean {
  if (known.has(type)) return false
  try {
    const { name } = splitType(type)
    return [...known].some(one => splitType(one).name === name)
  } catch {
    return false
  }
}
