import { header } from '@campus/contracts/envelope'
import { sql } from 'drizzle-orm'
import { isDependencyFailure } from '../data/dependency.ts'
import type { Postgres, Tx } from '../data/postgres.ts'
import { type HandleDeps, handle } from './handle.ts'
import type { Hearing } from './hearing.ts'
import type { IncomingRecord } from './kafka-record.ts'
import { failure, gapAfter, type ParkReason } from './park.ts'

// Redrive: a parked key is applied again, one event after the other in the order of their versions, each
// in a transaction of its own that also locks the key. Live events of the key park behind it until the
// last one is done, and the key is released in that same transaction, so that nothing can slip between.
//
// It begins when an operator asks for it, and by itself when nothing is in the way any more: the missing
// version of a gap has arrived, or what blocked the key was discarded.

/** A parked key of one consumer. */
export interface ParkedKey {
  readonly consumer: string
  readonly topic: string
  readonly aggregateKey: string
}

export interface RedriveDeps extends HandleDeps {
  readonly postgres: Postgres
}

/** How a retry ended: the whole key, not all of it, or another replica is at it. */
export type Redriven =
  | { readonly kind: 'released'; readonly events: number }
  | { readonly kind: 'stopped'; readonly events: number; readonly reason: ParkReason }
  | { readonly kind: 'busy'; readonly events: number }

const keysMax = 50

interface KeyRow extends Record<string, unknown> {
  readonly consumer: string
  readonly topic: string
  readonly aggregate_key: string
}

/** Keys that may be applied now, the longest parked ones first. */
export async function findRetries(
  postgres: Postgres,
  consumers: readonly string[],
): Promise<ParkedKey[]> {
  const { rows } = await postgres.read(tx =>
    tx.execute<KeyRow>(sql`
      select k.consumer, k.topic, k.aggregate_key from parked_key k
      left join lateral (
        select e.error_class, e.aggregate_version from parked_event e
        where e.status = 'parked' and e.consumer = k.consumer and e.topic = k.topic
          and e.aggregate_key = k.aggregate_key
        order by e.aggregate_version nulls first, e.record_offset limit 1) head on true
      left join seen_version s on s.consumer = k.consumer and s.topic = k.topic
        and s.aggregate_key = k.aggregate_key
      where k.consumer = any(${sql.param([...consumers])}::text[]) and (
        k.retry_requested_at is not null
        or head.error_class is null or head.error_class = 'behind'
        or (head.error_class = 'gap' and head.aggregate_version <= coalesce(s.version, 0) + 1))
      order by k.since limit ${keysMax}`),
  )
  return rows.map(row => ({
    consumer: row.consumer,
    topic: row.topic,
    aggregateKey: row.aggregate_key,
  }))
}

/** Applies the events of a parked key in order, until the key is empty or one of them fails. */
export async function redrive(
  deps: RedriveDeps,
  hearing: Hearing,
  key: ParkedKey,
): Promise<Redriven> {
  for (let events = 0; ; events += 1) {
    let head: Head | undefined
    try {
      await disarm(deps.postgres, key)
      // Each must see what the one before it has left.
      const outcome = await deps.postgres.transaction(async tx => {
        const lock = await lockKey(tx, key)
        if (lock === undefined) return 'busy'
        head = await headOf(tx, key)
        return head === undefined ? release(tx, key) : applyHead(tx, deps, hearing, key, head, lock)
      })
      if (outcome === 'released' || outcome === 'busy') return { kind: outcome, events }
      if (outcome === 'last') return { kind: 'released', events: events + 1 }
    } catch (error) {
      // The request stays: it is carried out once the dependency is back.
      if (isDependencyFailure(error) || head === undefined) throw error
      const reason = error instanceof Refused ? error.reason : failure(error, 1)
      await noteFailure(deps.postgres, key, head, reason)
      return { kind: 'stopped', events, reason }
    }
  }
}

/**
 * Takes back the request for an event that has ended processes: if it does so again, the next process
 * does not begin with it.
 */
async function disarm(
  postgres: Postgres,
  { consumer, topic, aggregateKey }: ParkedKey,
): Promise<void> {
  await postgres.read(tx =>
    tx.execute(sql`
      update parked_key k set retry_requested_at = null
      where consumer = ${consumer} and topic = ${topic} and aggregate_key = ${aggregateKey}
        and exists (
          select from parked_event e where e.status = 'parked' and e.error_class = 'crash'
            and e.consumer = k.consumer and e.topic = k.topic and e.aggregate_key = k.aggregate_key)`),
  )
}

/** The head of a key cannot be applied; nothing was changed. */
class Refused extends Error {
  readonly reason: ParkReason

  constructor(reason: ParkReason) {
    super(reason.error)
    this.reason = reason
  }
}

interface Lock {
  readonly acceptsGap: boolean
}

async function lockKey(
  tx: Tx,
  { consumer, topic, aggregateKey }: ParkedKey,
): Promise<Lock | undefined> {
  const { rows } = await tx.execute<{ accept_gap: boolean }>(sql`
    select accept_gap from parked_key where consumer = ${consumer} and topic = ${topic}
      and aggregate_key = ${aggregateKey} for update skip locked`)
  return rows[0] && { acceptsGap: rows[0].accept_gap }
}

interface Head extends Record<string, unknown> {
  readonly id: string
  readonly error_class: string
  readonly aggregate_version: number | null
  readonly partition: number
  readonly record_offset: string
  readonly payload: Buffer | null
  readonly headers: Record<string, string>
  readonly parked_at: string
}

async function headOf(
  tx: Tx,
  { consumer, topic, aggregateKey }: ParkedKey,
): Promise<Head | undefined> {
  const { rows } = await tx.execute<Head>(sql`
    select id, error_class, aggregate_version, partition, record_offset::text as record_offset, payload,
      headers, parked_at::text as parked_at
    from parked_event where status = 'parked' and consumer = ${consumer} and topic = ${topic}
      and aggregate_key = ${aggregateKey}
    order by aggregate_version nulls first, record_offset limit 1`)
  return rows[0]
}

async function applyHead(
  tx: Tx,
  deps: RedriveDeps,
  hearing: Hearing,
  key: ParkedKey,
  head: Head,
  { acceptsGap }: Lock,
): Promise<'more' | 'last'> {
  const { consumer, topic, aggregateKey } = key
  const heard = hearing.hear(toRecord(key, head), deps.clock.now())
  if (heard?.kind === 'unreadable') throw new Refused(heard.reason)
  const { rows } = await tx.execute<{ version: number }>(sql`
    select version from seen_version where consumer = ${consumer} and topic = ${topic}
      and aggregate_key = ${aggregateKey} for update`)
  const seen = rows[0]?.version
  const version = head.aggregate_version
  const isOrdered = version !== null && hearing.isOrdered(topic)
  // Where nothing was seen the first event is the baseline, as it is for live ones.
  if (isOrdered && !acceptsGap && seen !== undefined && version > seen + 1) {
    throw new Refused(gapAfter(seen, version))
  }
  if (heard?.kind === 'event') {
    const { handler, event } = heard
    await handle(tx, deps, { consumer, handler, event }, { suppressEffects: false })
  }
  if (isOrdered) {
    await tx.execute(sql`
      insert into seen_version as s (consumer, topic, aggregate_key, version)
      values (${consumer}, ${topic}, ${aggregateKey}, ${version})
      on conflict (consumer, topic, aggregate_key)
      do update set version = greatest(s.version, excluded.version), at = now()`)
  }
  await tx.execute(sql`
    update parked_event set status = 'retried', replay_count = replay_count + 1, settled_at = now(),
      settled_by = (select coalesce(retry_requested_by, 'runtime') from parked_key
        where consumer = ${consumer} and topic = ${topic} and aggregate_key = ${aggregateKey})
    where id = ${head.id}`)
  if ((await headOf(tx, key)) !== undefined) return 'more'
  await release(tx, key)
  return 'last'
}

async function release(tx: Tx, { consumer, topic, aggregateKey }: ParkedKey): Promise<'released'> {
  await tx.execute(sql`delete from parked_key where consumer = ${consumer} and topic = ${topic}
    and aggregate_key = ${aggregateKey}`)
  return 'released'
}

async function noteFailure(
  postgres: Postgres,
  { consumer, topic, aggregateKey }: ParkedKey,
  head: Head,
  { errorClass, error, stack }: ParkReason,
): Promise<void> {
  await postgres.transaction(async tx => {
    await tx.execute(sql`
      update parked_event set error_class = ${errorClass}, error = ${error}, stack = ${stack ?? null},
        attempts = attempts + 1, replay_count = replay_count + 1
      where id = ${head.id}`)
    await tx.execute(sql`
      update parked_key set retry_requested_at = null
      where consumer = ${consumer} and topic = ${topic} and aggregate_key = ${aggregateKey}`)
  })
}

function toRecord({ topic, aggregateKey }: ParkedKey, head: Head): IncomingRecord {
  return {
    topic,
    partition: head.partition,
    offset: BigInt(head.record_offset),
    key: aggregateKey,
    value: head.payload,
    headers: head.headers,
    timestamp: new Date(head.headers[header.time] ?? head.parked_at),
  }
}
