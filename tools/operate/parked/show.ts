import { sql } from 'drizzle-orm'
import { payloadOf } from '../events/event-row.ts'
import { type Exit, exit, nothing } from '../exit.ts'
import { type Operation, operate } from '../operation.ts'
import type { CommonOptions, PersonalOptions } from '../options.ts'
import { isPersonal, mayShowPersonal, withoutAddresses } from '../personal.ts'
import { schemaOf, table, utc } from '../schemas.ts'
import { applyOrder, eventColumns, type ParkedEvent } from './parked-keys.ts'

/** A key of a consumer. */
export interface KeyOfConsumer {
  readonly consumer: string
  readonly key: string
}

interface FullEvent extends ParkedEvent {
  readonly partition: number
  readonly offset: number
  readonly headers: Readonly<Record<string, string>>
  readonly payload: Buffer | null
  readonly stack: string | null
  readonly settledAt: string | null
  readonly settledBy: string | null
  readonly settleReason: string | null
}

/** Shows the events of a key in the order in which they will be applied, settled ones included. */
export async function show(
  key: KeyOfConsumer,
  options: CommonOptions & PersonalOptions,
): Promise<void> {
  await operate(options, operation => showKey(operation, key, options))
}

/** @see show */
export async function showKey(
  operation: Operation,
  { consumer, key }: KeyOfConsumer,
  options: PersonalOptions,
): Promise<Exit> {
  const { output, by } = operation
  const isShown = mayShowPersonal(options, output, by)
  const rows = await operation.postgres().read(async tx => {
    const events = table(await schemaOf(tx, consumer), 'parked_event')
    const found = await tx.execute<FullEvent>(sql`
      select ${eventColumns}, partition, record_offset as "offset", headers, payload, stack,
        ${utc('settled_at')} as "settledAt", settled_by as "settledBy", settle_reason as "settleReason"
      from ${events} where consumer = ${consumer} and aggregate_key = ${key}
      order by topic, ${applyOrder} limit 1000`)
    return found.rows
  })
  if (rows.length === 0) throw nothing(`${consumer} has parked nothing of ${key}.`)
  for (const { payload, error, stack, id, ...event } of rows) {
    const isHidden = isPersonal(event.topic) && !isShown
    output.record({
      ...event,
      error: withoutAddresses(error),
      stack: withoutAddresses(stack),
      data: isHidden ? 'hidden: add --include-personal and a --reason' : payloadOf(payload),
      parkedEventId: id,
    })
    output.say('')
  }
  return exit.done
}
