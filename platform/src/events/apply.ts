import { type Event, header } from '@campus/contracts/envelope'
import type { Postgres, Tx } from '../data/postgres.ts'
import { uuid } from './decode.ts'
import { type HandleDeps, handle } from './handle.ts'
import type { Heard, Hearing } from './hearing.ts'
import { aggregateOf, correctSeen, type Entry, enter, refuseEntry } from './inbox.ts'
import type { IncomingRecord } from './kafka-record.ts'
import { createOrderGuard, type OrderGuard, type Verdict } from './order-guard.ts'
import { behind, gapAfter, late, type ParkReason, park } from './park.ts'

export interface ApplyDeps extends HandleDeps {
  readonly postgres: Postgres
  /** What is known of a consumer's past. */
  readonly past: Past
}

/** Where a consumer stands: what it must skip, and what it only catches up with. */
export interface Past {
  /** `skip`: before the consumer's birth. `bootstrap`: applied, but the world is not told of it again. */
  phaseOf(consumer: string, record: IncomingRecord): 'skip' | 'bootstrap' | 'live'
  /** Whether the inbox has forgotten events as old as this one, so that it must count as applied. */
  isForgotten(eventId: string): boolean
}

/** Outcome of a sub-batch, for metrics and for the limit of parking. */
export interface Applied {
  readonly events: readonly Event[]
  readonly duplicates: number
  readonly forgotten: number
  /** Aggregates whose first version seen was not 1. */
  readonly baselines: number
  /** Error classes of what was parked. */
  readonly parked: readonly string[]
}

const nothing: Applied = { events: [], duplicates: 0, forgotten: 0, baselines: 0, parked: [] }

/** Effects of older events are not carried out for a consumer that catches up with the past. */
const bootstrapEffectMs = 3_600_000

/**
 * Applies records, those of a partition in their order, for one consumer, in one transaction: inbox rows,
 * state, outbox and effect rows all commit together or not at all.
 *
 * What cannot be applied in order (unreadable, behind a parked key, late, after a gap) is parked in the
 * same transaction.
 *
 * @throws whatever a handler throws; nothing is applied then
 */
export async function apply(
  deps: ApplyDeps,
  hearing: Hearing,
  records: readonly IncomingRecord[],
): Promise<Applied> {
  const { postgres, past, clock } = deps
  const consumer = hearing.consumer.name
  const now = clock.now()
  const heard = records
    .filter(record => past.phaseOf(consumer, record) !== 'skip')
    .flatMap(record => hearing.hear(record, now) ?? [])
  if (heard.length === 0) return nothing
  return postgres.transaction(async tx => {
    const entry = await enter(
      tx,
      consumer,
      heard.flatMap(one => arrivalOf(one, hearing)),
    )
    const guard = createOrderGuard(entry.seen, entry.parked)
    const applied = { ...nothing, events: [] as Event[], parked: [] as string[] }
    const entered = new Set<string>()
    for (const one of heard) {
      const reason = await applyOne(tx, deps, hearing, { one, guard, entry, entered }, applied)
      if (reason === undefined) continue
      await park(tx, consumer, one.record, reason)
      applied.parked.push(reason.errorClass)
    }
    for (const { topic, key, version } of corrections(heard, hearing, entry, guard)) {
      await correctSeen(tx, { consumer, topic, key }, version)
    }
    return applied
  })
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] }

interface Step {
  readonly one: Heard
  readonly guard: OrderGuard
  readonly entry: Entry
  /** Events of this sub-batch so far: a relay that repeats itself can put one into it twice. */
  readonly entered: Set<string>
}

/** @returns why the record must be parked; undefined when it is done with */
async function applyOne(
  tx: Tx,
  deps: ApplyDeps,
  hearing: Hearing,
  { one, guard, entry, entered }: Step,
  applied: Mutable<Applied> & { events: Event[] },
): Promise<ParkReason | undefined> {
  const { topic } = one.record
  if (one.kind === 'unreadable') {
    guard.block(aggregateOf({ topic, key: one.record.key ?? '' }))
    return one.reason
  }
  const consumer = hearing.consumer.name
  const isOrdered = hearing.isOrdered(topic)
  const { id, version } = one.envelope
  const key = aggregateOf({ topic, key: one.envelope.key })
  const isHeard = one.kind === 'event'
  const phase = deps.past.phaseOf(consumer, one.record)
  const isForgotten = phase === 'live' && deps.past.isForgotten(id)
  const isFresh = !isForgotten && (!isHeard || entry.fresh.has(id)) && !entered.has(id)
  entered.add(id)
  const seen = guard.seen(key)
  const verdict = judge(guard, { key, version, isFresh, isHeard }, isOrdered, entry)
  switch (verdict) {
    case 'duplicate':
      if (isForgotten) applied.forgotten += 1
      else if (isHeard) applied.duplicates += 1
      return undefined
    case 'behind':
      return behind
    case 'late':
      return late
    case 'gap':
      return gapAfter(seen, version)
    case 'apply': {
      if (isOrdered && seen === undefined && version !== 1) applied.baselines += 1
      if (one.kind !== 'event') return undefined
      const { handler, event } = one
      const ageMs = deps.clock.now().getTime() - event.time.getTime()
      const suppressEffects = phase === 'bootstrap' && ageMs > bootstrapEffectMs
      await handle(tx, deps, { consumer, handler, event }, { suppressEffects })
      applied.events.push(event)
      return undefined
    }
  }
}

function judge(
  guard: OrderGuard,
  event: Parameters<OrderGuard['judge']>[0],
  isOrdered: boolean,
  entry: Entry,
): Verdict {
  if (isOrdered) return guard.judge(event)
  if (!event.isFresh) return 'duplicate'
  return entry.parked.has(event.key) ? 'behind' : 'apply'
}

function arrivalOf(one: Heard, hearing: Hearing) {
  if (one.kind === 'unreadable') return []
  const { id, key, version } = one.envelope
  const { topic } = one.record
  const isOrdered = hearing.isOrdered(topic)
  return [{ id, topic, key, version, isHeard: one.kind === 'event', isOrdered }]
}

/** Aggregates that did not come as far as `enter` took for granted, and how far they came. */
function corrections(heard: readonly Heard[], hearing: Hearing, entry: Entry, guard: OrderGuard) {
  const expected = new Map<string, { topic: string; key: string; version: number }>()
  for (const one of heard) {
    const { topic } = one.record
    if (one.kind === 'unreadable' || !hearing.isOrdered(topic)) continue
    const { key, version } = one.envelope
    const name = aggregateOf({ topic, key })
    if (entry.parked.has(name)) continue
    const before = expected.get(name)?.version ?? entry.seen.get(name) ?? 0
    expected.set(name, { topic, key, version: Math.max(version, before) })
  }
  return [...expected]
    .filter(([name, { version }]) => guard.seen(name) !== version)
    .map(([name, { topic, key }]) => ({ topic, key, version: guard.seen(name) }))
}

/** Parks one record that a consumer cannot apply, and its key. */
export async function parkRecord(
  postgres: Postgres,
  consumer: string,
  record: IncomingRecord,
  reason: ParkReason,
): Promise<void> {
  await postgres.transaction(async tx => {
    const id = record.headers[header.id]
    if (id !== undefined && uuid.test(id)) await refuseEntry(tx, consumer, id)
    await park(tx, consumer, record, reason)
  })
}
