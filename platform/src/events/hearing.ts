import { type Event, type EventKind, readableKinds } from '@campus/contracts/envelope'
import type { ConsumerDefinition, Handler } from './consumer.ts'
import { decode, type Envelope, isUnknownMajor, readEnvelope, UnreadableRecord } from './decode.ts'
import type { IncomingRecord } from './kafka-record.ts'
import type { ParkReason } from './park.ts'

/** What one consumer makes of a record. */
export type Heard =
  /** An event that it handles. */
  | {
      readonly kind: 'event'
      readonly record: IncomingRecord
      readonly envelope: Envelope
      readonly event: Event
      readonly handler: Handler
    }
  /** Another event of an aggregate that it handles: only its version is of interest. */
  | { readonly kind: 'passing'; readonly record: IncomingRecord; readonly envelope: Envelope }
  /** What it should handle but cannot read. */
  | { readonly kind: 'unreadable'; readonly record: IncomingRecord; readonly reason: ParkReason }

/** A consumer, indexed by what it may hear. */
export interface Hearing {
  readonly consumer: ConsumerDefinition
  readonly topics: ReadonlySet<string>
  /** @returns undefined for a record that is none of its business */
  hear(record: IncomingRecord, now: Date): Heard | undefined
  /** Whether versions on `topic` have no gaps; on a compacted one they do. */
  isOrdered(topic: string): boolean
}

/** Indexes a consumer's handlers. */
export function hearingOf(consumer: ConsumerDefinition): Hearing {
  const readable = consumer.handlers.flatMap(handler =>
    readableKinds(handler.kind).map(kind => ({ kind, handler })),
  )
  const nameOf = ({ topic, type, aggregate }: EventKind) => `${topic} ${type} ${aggregate}`
  const handlers = new Map(readable.map(({ kind, handler }) => [nameOf(kind), { kind, handler }]))
  const aggregates = new Set(readable.map(({ kind }) => `${kind.topic} ${kind.aggregate}`))
  const types = new Set(readable.map(({ kind }) => kind.type))
  const compacted = new Set(
    readable.filter(({ kind }) => kind.isCompacted === true).map(({ kind }) => kind.topic),
  )

  function read(record: IncomingRecord, now: Date): Heard | undefined {
    const envelope = readEnvelope(record, now)
    const aggregate = envelope.key.slice(0, envelope.key.indexOf(':'))
    const found = handlers.get(`${record.topic} ${envelope.type} ${aggregate}`)
    if (found !== undefined) {
      const event = decode(record, envelope, found.kind, found.handler.kind)
      return { kind: 'event', record, envelope, event, handler: found.handler }
    }
    if (isUnknownMajor(envelope.type, types)) {
      throw new UnreadableRecord(`${envelope.type} is a version that this build does not know.`)
    }
    return aggregates.has(`${record.topic} ${aggregate}`)
      ? { kind: 'passing', record, envelope }
      : undefined
  }

  return {
    consumer,
    topics: new Set(readable.map(({ kind }) => kind.topic)),
    isOrdered: topic => !compacted.has(topic),
    hear(record, now) {
      try {
        return read(record, now)
      } catch (error) {
        const { name, message } = error instanceof Error ? error : new Error(String(error))
        return {
          kind: 'unreadable',
          record,
          reason: { errorClass: name, error: message, attempts: 1 },
        }
      }
    },
  }
}
