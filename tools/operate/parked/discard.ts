import type { Tx } from '@campus/platform/data/postgres'
import { sql } from 'drizzle-orm'
import { type Exit, exit, refusal } from '../exit.ts'
import { type Operation, operate } from '../operation.ts'
import type { CommonOptions } from '../options.ts'
import { table } from '../schemas.ts'
import { chooseKeys } from './choice.ts'
import { type ParkedEvent, type ParkedKey, waitingEvents } from './parked-keys.ts'
import type { KeyOfConsumer } from './show.ts'

/** Options of `campus parked discard`. */
export interface DiscardOptions {
  readonly reason: string
  readonly eventId?: string
  readonly wholeKey?: boolean
  readonly dryRun?: boolean
}

/** Gives up parked events: the consumer goes on as if it had seen them. */
export async function discard(
  key: KeyOfConsumer,
  options: CommonOptions & DiscardOptions,
): Promise<void> {
  await operate(options, operation => discardEvents(operation, key, options))
}

/** @see discard */
export async function discardEvents(
  operation: Operation,
  { consumer, key }: KeyOfConsumer,
  options: DiscardOptions,
): Promise<Exit> {
  const { output, by } = operation
  const reason = options.reason.trim()
  if (reason === '') throw refusal('a discarded event is lost to its consumer: give a --reason.')
  const discarded = await operation.postgres().transaction(async tx => {
    const { schema, keys } = await chooseKeys(tx, { consumer, key })
    const found = []
    for (const parked of keys) {
      const plan = await choose(tx, schema, parked, options)
      if (options.dryRun !== true) await carryOut(tx, schema, parked, plan, { by, reason })
      found.push(...plan.events.map(event => ({ event, left: plan.left })))
    }
    return found
  })
  const isDry = options.dryRun === true
  output.table(
    discarded.map(({ event: { version, type, eventId, class: errorClass }, left }) => ({
      ...(isDry ? { would: 'discard' } : { outcome: 'discarded' }),
      version,
      type,
      eventId,
      class: errorClass,
      behind: left,
    })),
    '',
  )
  const left = discarded.reduce((sum, one) => sum + one.left, 0)
  if (left > 0 && !isDry) {
    output.say(`${left} events are behind it: the service was asked to apply them.`)
  }
  return exit.done
}

interface Plan {
  readonly events: readonly ParkedEvent[]
  /** How many stay parked behind them. */
  readonly left: number
}

async function choose(
  tx: Tx,
  schema: string,
  { consumer, topic, key }: ParkedKey,
  options: DiscardOptions,
): Promise<Plan> {
  // The service retries under the same lock: nobody settles these events twice.
  await tx.execute(sql`
    select from ${table(schema, 'parked_key')}
    where consumer = ${consumer} and topic = ${topic} and aggregate_key = ${key} for update`)
  const waiting = await waitingEvents(tx, schema, { consumer, topic, key })
  const [first] = waiting
  if (options.eventId !== undefined && options.eventId !== first?.eventId) {
    throw refusal(
      `${options.eventId} is not in front of ${key} (${first?.eventId ?? 'nothing'} is). Events of a ` +
        'key are settled in order: settle that one first.',
    )
  }
  const events = options.wholeKey === true ? waiting : waiting.slice(0, 1)
  return { events, left: waiting.length - events.length }
}

async function carryOut(
  tx: Tx,
  schema: string,
  { consumer, topic, key }: ParkedKey,
  { events, left }: Plan,
  { by, reason }: { readonly by: string; readonly reason: string },
): Promise<void> {
  await tx.execute(sql`
    update ${table(schema, 'parked_event')} set status = 'discarded', settled_at = now(),
      settled_by = ${by}, settle_reason = ${reason}
    where id = any(${sql.param(events.map(({ id }) => id))}::uuid[])`)
  const version = Math.max(0, ...events.map(event => event.version ?? 0))
  if (version > 0) {
    // As if it had been applied, so that the next version is no gap.
    await tx.execute(sql`
      insert into ${table(schema, 'seen_version')} as s (consumer, topic, aggregate_key, version)
      values (${consumer}, ${topic}, ${key}, ${version})
      on conflict (consumer, topic, aggregate_key)
      do update set version = greatest(s.version, excluded.version), at = now()`)
  }
  const keys = table(schema, 'parked_key')
  const isOwn = sql`consumer = ${consumer} and topic = ${topic} and aggregate_key = ${key}`
  await tx.execute(
    left === 0
      ? sql`delete from ${keys} where ${isOwn}`
      : sql`update ${keys} set retry_requested_at = now(), retry_requested_by = ${by} where ${isOwn}`,
  )
}
