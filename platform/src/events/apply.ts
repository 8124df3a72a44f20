import { type Event, header } from '@campus/contracts/envelope'
import type { Clock } from '../clock.ts'
import { AbandonedWork, type Postgres, type Tx } from '../data/postgres.ts'
import { type Flow, newTraceparent, withFlow } from '../process/flow.ts'
import { withSpan } from '../process/tracing.ts'
import type { ConsumerDefinition, Handler } from './consumer.ts'
import {
  decode,
  type Envelope,
  isUnknownMajor,
  readEnvelope,
  UnreadableRecord,
  uuid,
} from './decode.ts'
import { enter, refuseEntry } from './inbox.ts'
import type { IncomingRecord } from './kafka-record.ts'
import { behind, type ParkReason, park } from './park.ts'
import { processAttributes } from './spans.ts'

/** A handler did not settle within its deadline. */
export class HandlerTimeout extends AbandonedWork {
  override readonly name = 'HandlerTimeout'
}

/** What one consumer knows of the records it may hear. */
export interface Hearing {
  readonly consumer: ConsumerDefinition
  readonly types: ReadonlySet<string>
  handlerOf(topic: string, envelope: Envelope): Handler | undefined
}

export interface ApplyDeps {
  readonly postgres: Postgres
  readonly clock: Clock
  /** An event may take this long; a handler that does not settle by then is given up. */
  readonly eventMs: number
}

/** Outcome of a sub-batch, for metrics. */
export interface Applied {
  readonly events: readonly { readonly consumer: string; readonly event: Event }[]
  readonly duplicates: number
  readonly parked: number
}

/** Indexes a consumer's handlers. */
export function hearingOf(consumer: ConsumerDefinition): Hearing {
  const handlers = new Map(
    consumer.handlers.map(h => [`${h.kind.topic} ${h.kind.type} ${h.kind.aggregate}`, h]),
  )
  return {
    consumer,
    types: new Set(consumer.handlers.map(h => h.kind.type)),
    handlerOf: (topic, { type, key }) =>
      handlers.get(`${topic} ${type} ${key.slice(0, key.indexOf(':'))}`),
  }
}

/**
 * Applies records of one partition, in order, for one consumer, in one transaction: inbox rows,
 * state, outbox and effect rows all commit together or not at all.
 *
 * Unreadable records and events behind a parked key are parked in the same transaction.
 *
 * @throws whatever a handler throws; nothing is applied then
 */
export async function apply(
  { postgres, clock, eventMs }: ApplyDeps,
  hearing: Hearing,
  records: readonly IncomingRecord[],
): Promise<Applied> {
  const name = hearing.consumer.name
  const sorted = sort(hearing, records, clock.now())
  if (sorted.heard.length === 0 && sorted.unreadable.length === 0) {
    return { events: [], duplicates: 0, parked: 0 }
  }
  return postgres.transaction(async tx => {
    let parkedCount = 0
    for (const { record, reason } of sorted.unreadable) {
      await park(tx, name, record, reason)
      parkedCount += 1
    }
    if (sorted.heard.length === 0) return { events: [], duplicates: 0, parked: parkedCount }
    const topic = sorted.heard[0]?.record.topic ?? ''
    const fresh = await enter(
      tx,
      name,
      topic,
      sorted.heard.map(({ event }) => event),
    )
    const unreadableKeys = new Set(sorted.unreadable.map(({ record }) => record.key ?? ''))
    const events: { consumer: string; event: Event }[] = []
    const entered = new Set<string>()
    for (const { record, event, handler } of sorted.heard) {
      const entry = fresh.get(event.id)
      // A relay that repeats itself can put one event into one batch twice.
      if (entry === undefined || entered.has(event.id)) continue
      entered.add(event.id)
      if (entry.isParked || unreadableKeys.has(event.key)) {
        await park(tx, name, record, behind)
        parkedCount += 1
        continue
      }
      await handle(tx, { clock, eventMs }, name, handler, event)
      events.push({ consumer: name, event })
    }
    return { events, duplicates: sorted.heard.length - entered.size, parked: parkedCount }
  })
}

/** Parks one record that a consumer cannot apply, and its key. */
export async function parkRecord(
  postgres: Postgres,
  consumer: ConsumerDefinition,
  record: IncomingRecord,
  reason: ParkReason,
): Promise<void> {
  await postgres.transaction(async tx => {
    const id = record.headers[header.id]
    if (id !== undefined && uuid.test(id)) await refuseEntry(tx, consumer.name, id)
    await park(tx, consumer.name, record, reason)
  })
}

interface Heard {
  readonly record: IncomingRecord
  readonly event: Event
  readonly handler: Handler
}

function sort(hearing: Hearing, records: readonly IncomingRecord[], now: Date) {
  const heard: Heard[] = []
  const unreadable: { record: IncomingRecord; reason: ParkReason }[] = []
  for (const record of records) {
    try {
      const envelope = readEnvelope(record, now)
      const handler = hearing.handlerOf(record.topic, envelope)
      if (handler !== undefined) {
        heard.push({ record, event: decode(record, envelope, handler.kind), handler })
      } else if (isUnknownMajor(envelope.type, hearing.types)) {
        throw new UnreadableRecord(`${envelope.type} is a version that this build does not know.`)
      }
    } catch (error) {
      const { name, message } = error instanceof Error ? error : new Error(String(error))
      unreadable.push({ record, reason: { errorClass: name, error: message, attempts: 1 } })
    }
  }
  return { heard, unreadable }
}

async function handle(
  tx: Tx,
  { clock, eventMs }: Omit<ApplyDeps, 'postgres'>,
  consumer: string,
  handler: Handler,
  event: Event,
): Promise<void> {
  const flow: Flow = {
    correlationId: event.correlationId,
    causationId: event.id,
    actor: event.actor,
    traceparent: event.traceparent === '' ? newTraceparent() : event.traceparent,
    ...(event.replayId !== undefined && { replayId: event.replayId }),
  }
  const deadline = new AbortController()
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      const error = new HandlerTimeout(`${consumer} did not finish ${event.type} in ${eventMs} ms.`)
      deadline.abort(error)
      reject(error)
    }, eventMs)
  })
  try {
    await withFlow(flow, () =>
      withSpan(`process ${event.type}`, 'consumer', processAttributes(consumer, event), () =>
        Promise.race([
          handler.handle({ event, tx, now: clock.now(), signal: deadline.signal }),
          late,
        ]),
      ),
    )
  } finally {
    clearTimeout(timer)
  }
}
