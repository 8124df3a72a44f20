import { type Event, header } from '@campus/contracts/envelope'
import type { Postgres, Tx } from '../data/postgres.ts'
import { uuid } from './decode.ts'
import { type HandleDeps, handle } from './handle.ts'
import type { Heard, Hearing } from './hearing.ts'
import { type ConsumedTopic, correctSeen, type Entry, enter, refuseEntry } from './inbox.ts'
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
 * Applies records of one partition, in order, for one consumer, in one transaction: inbox rows,
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
  const topic = heard[0]?.record.topic
  if (topic === undefined) return nothing
  const name = { consumer, topic, isOrdered: hearing.isOrdered(topic) }
  return postgres.transaction(async tx => {
    const entry = await enter(tx, name, heard.flatMap(arrivalOf))
    const guard = createOrderGuard(entry.seen, entry.parked)
    const applied = { ...nothing, events: [] as Event[], parked: [] as string[] }
    const entered = new Set<string>()
    for (const one of heard) {
      const reason = await applyOne(tx, deps, name, { one, guard, entry, entered }, applied)
      if (reason === undefined) continue
      await park(tx, consumer, one.record, reason)
      applied.parked.push(reason.errorClass)
    }
    if (name.isOrdered) await correctSeen(tx, name, corrections(heard, entry, guard))
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
  { consumer, isOrdered }: ConsumedTopic,
  { one, guard, entry, entered }: Step,
  applied: Mutable<Applied> & { events: Event[] },
): Promise<ParkReason | undefined> {
  if (one.kind === 'unreadable') {
    guard.block(one.record.key ?? '')
    return one.reason
  }
  const { id, key, version } = one.envelope
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

function arrivalOf(one: Heard) {
  if (one.kind === 'unreadable') return []
  const { id, key, version } = one.envelope
  return [{ id, key, version, isHeard: one.kind === 'event' }]
}

/** Aggregates that did not come as far as `enter` took for granted. */
function corrections(
  heard: readonly Heard[],
  entry: Entry,
  guard: OrderGuard,
): Map<string, number | undefined> {
  const expected = new Map<string, number>()
  for (const one of heard) {
    if (one.kind === 'unreadable' || entry.parked.has(one.envelope.key)) continue
    const { key, version } = one.envelope
    expected.set(key, Math.max(version, expected.get(key) ?? entry.seen.get(key) ?? 0))
  }
  return new Map(
    [...expected]
      .map(([key, version]) => ({ key, version, seen: guard.seen(key) }))
      .filter(({ version, seen }) => version !== seen)
      .map(({ key, seen }) => [key, seen]),
  )
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
