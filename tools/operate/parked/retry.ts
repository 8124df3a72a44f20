import { setTimeout as delay } from 'node:timers/promises'
import type { Tx } from '@campus/platform/data/postgres'
import { sql } from 'drizzle-orm'
import { type Exit, exit, refusal } from '../exit.ts'
import { type Operation, operate } from '../operation.ts'
import type { CommonOptions } from '../options.ts'
import type { Row } from '../output.ts'
import { withoutAddresses } from '../personal.ts'
import { table } from '../schemas.ts'
import { chooseKeys, type Selection } from './choice.ts'
import {
  applyOrder,
  eventColumns,
  type ParkedEvent,
  type ParkedKey,
  waitingEvents,
} from './parked-keys.ts'

// Handlers live in the service, so the service retries: the command leaves a request with the key and
// watches what becomes of it. Per key:
//
//   requested → each event turns `retried`, in order → the key is gone        done
//             → an event fails again: the service takes the request back      still parked
//             → nothing changes                                               the service is down

/** An event that has failed so often is not tried again (safety rule 7). */
const replaysMax = 3
const pollMs = 200

/** Options of `campus parked retry`. */
export interface RetryOptions {
  readonly all?: boolean
  readonly class?: string
  readonly acceptGap?: boolean
  readonly reason?: string
  readonly dryRun?: boolean
}

/** Lets the running service apply parked keys again. */
export async function retry(
  which: Pick<Selection, 'consumer' | 'key'>,
  options: CommonOptions & RetryOptions,
): Promise<void> {
  await operate(options, operation => retryKeys(operation, which, options))
}

/** @see retry */
export async function retryKeys(
  operation: Operation,
  which: Pick<Selection, 'consumer' | 'key'>,
  options: RetryOptions,
): Promise<Exit> {
  const { output } = operation
  const postgres = operation.postgres()
  if (options.acceptGap === true && (options.reason ?? '').trim() === '') {
    throw refusal('--accept-gap gives up a version for good, so it needs a --reason.')
  }
  const { schema, keys } = await postgres.read(tx =>
    chooseKeys(tx, { ...which, all: options.all, class: options.class }),
  )
  const isLooping = ({ replays }: ParkedKey) => (replays ?? 0) >= replaysMax
  const refused = keys.filter(isLooping)
  const chosen = keys.filter(key => !isLooping(key))
  if (refused.length > 0) {
    const message =
      `rule 7: ${refused.map(({ key }) => key).join(', ')} failed ${replaysMax} retries. Fix the ` +
      'service and discard the event, or leave it parked.'
    if (chosen.length === 0) throw refusal(message)
    output.warn(`Left out, ${message}`)
  }
  if (options.dryRun === true) {
    const events = await postgres.read(tx => eventsOf(tx, schema, chosen))
    output.table(
      events.map(event => ({ would: 'retry', ...event })),
      '',
    )
    return exit.done
  }
  await postgres.transaction(async tx => {
    for (const key of chosen) await request(tx, schema, key, { ...options, by: operation.by })
  })
  const isDone = await watch(operation, schema, chosen)
  return isDone && refused.length === 0 ? exit.done : exit.someParked
}

async function request(
  tx: Tx,
  schema: string,
  { consumer, topic, key }: ParkedKey,
  { by, acceptGap, reason }: RetryOptions & { readonly by: string },
): Promise<void> {
  await tx.execute(sql`
    update ${table(schema, 'parked_key')} set retry_requested_at = now(), retry_requested_by = ${by},
      accept_gap = ${acceptGap === true}
    where consumer = ${consumer} and topic = ${topic} and aggregate_key = ${key}`)
  if (reason === undefined) return
  await tx.execute(sql`
    update ${table(schema, 'parked_event')} set settle_reason = ${reason}
    where consumer = ${consumer} and topic = ${topic} and aggregate_key = ${key}
      and status = 'parked'`)
}

/** @returns whether every key is free again */
async function watch(
  operation: Operation,
  schema: string,
  keys: readonly ParkedKey[],
): Promise<boolean> {
  const { output, timeoutMs, signal } = operation
  const until = performance.now() + timeoutMs
  const waiting = new Set(keys)
  const told = new Set<string>()
  let stopped = 0
  async function look(tx: Tx, key: ParkedKey): Promise<void> {
    for (const event of await retriedSince(tx, schema, key)) {
      if (told.has(event.id)) continue
      told.add(event.id)
      const { version, type, status: outcome, eventId } = event
      output.record({ key: key.key, version, type, outcome, eventId })
    }
    const state = await stateOf(tx, schema, key)
    if (state === 'requested') return
    const [first] = await waitingEvents(tx, schema, key)
    // The request for an event that has ended processes is taken back before it is tried.
    const isUntried = first?.class === 'crash' && first.replays === key.replays
    if (state === 'stopped' && isUntried) return
    waiting.delete(key)
    if (state === 'free') return
    stopped += 1
    output.record({
      key: key.key,
      version: first?.version,
      type: first?.type,
      outcome: 'failed again',
      class: first?.class,
      error: withoutAddresses(first?.error ?? null),
    })
  }
  while (waiting.size > 0) {
    await operation.postgres().read(async tx => {
      for (const key of waiting) await look(tx, key)
    })
    if (waiting.size === 0) break
    if (signal.aborted || performance.now() > until) {
      const what = waiting.size === 1 ? 'One key waits' : `${waiting.size} keys wait`
      output.warn(
        `${what}: the service ${schema} has not taken the request up, so it seems to be down. The ` +
          'request stays, and the service carries it out when it runs.',
      )
      return false
    }
    await delay(pollMs)
  }
  output.say(
    stopped === 0 ? 'Done: nothing of this is parked any more.' : `${stopped} still parked.`,
  )
  return stopped === 0
}

async function stateOf(
  tx: Tx,
  schema: string,
  { consumer, topic, key }: ParkedKey,
): Promise<'requested' | 'stopped' | 'free'> {
  const { rows } = await tx.execute<{ is_requested: boolean }>(sql`
    select retry_requested_at is not null as is_requested from ${table(schema, 'parked_key')}
    where consumer = ${consumer} and topic = ${topic} and aggregate_key = ${key}`)
  const [row] = rows
  if (row === undefined) return 'free'
  return row.is_requested ? 'requested' : 'stopped'
}

async function retriedSince(
  tx: Tx,
  schema: string,
  { consumer, topic, key, since }: ParkedKey,
): Promise<readonly ParkedEvent[]> {
  const { rows } = await tx.execute<ParkedEvent>(sql`
    select ${eventColumns}
    from ${table(schema, 'parked_event')}
    where consumer = ${consumer} and topic = ${topic} and aggregate_key = ${key}
      and status = 'retried' and parked_at >= ${since}::timestamptz - interval '1 second'
    order by ${applyOrder}`)
  return rows
}

async function eventsOf(tx: Tx, schema: string, keys: readonly ParkedKey[]): Promise<Row[]> {
  const found: Row[] = []
  for (const key of keys) {
    for (const { eventId, version, type, class: errorClass } of await waitingEvents(
      tx,
      schema,
      key,
    )) {
      found.push({ key: key.key, version, type, class: errorClass, eventId })
    }
  }
  return found
}
