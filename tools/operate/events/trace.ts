import type { Tx } from '@campus/platform/data/postgres'
import { sql } from 'drizzle-orm'
import { type Exit, exit, nothing } from '../exit.ts'
import { type Operation, operate } from '../operation.ts'
import type { CommonOptions, PersonalOptions } from '../options.ts'
import type { Row } from '../output.ts'
import { isPersonal, mayShowPersonal, withoutAddresses } from '../personal.ts'
import { acrossSchemas, table, utc } from '../schemas.ts'

/** Tells the story of one request across the services. The archive holds it for seven days. */
export async function trace(
  correlationId: string,
  options: CommonOptions & PersonalOptions,
): Promise<void> {
  await operate(options, operation => traceStory(operation, correlationId, options))
}

/** @see trace */
export async function traceStory(
  operation: Operation,
  correlationId: string,
  options: PersonalOptions,
): Promise<Exit> {
  const { output, by } = operation
  const isShown = mayShowPersonal(options, output, by)
  const postgres = operation.postgres()
  const { steps, consumed } = await postgres.read(async tx => {
    const events = await eventsOf(tx, correlationId)
    const effects = await effectsOf(tx, correlationId)
    const ids = events.map(({ id }) => id)
    return { steps: [...events, ...effects], consumed: await consumersOf(tx, ids) }
  })
  if (steps.length === 0) {
    throw nothing(
      `Nothing has the correlation id ${correlationId}. "campus events show <eventId>" tells the id ` +
        'of a story; archives go back seven days.',
    )
  }
  const inOrder = steps.toSorted((a, b) => a.at.localeCompare(b.at))
  const startMs = Date.parse(inOrder[0]?.at ?? '')
  let previousMs = startMs
  const rows = inOrder.map((step): Row => {
    const atMs = Date.parse(step.at)
    const row = {
      at: step.at,
      afterMs: atMs - startMs,
      stepMs: atMs - previousMs,
      service: step.service,
      what: step.what,
      subject: step.subject,
      id: step.id,
      outcome: outcomeOf(step, consumed),
      ...(isShown && output.isJson && { data: step.payload }),
    }
    previousMs = atMs
    return row
  })
  output.table(rows, '')
  const lastMs = Date.parse(inOrder.at(-1)?.at ?? '')
  output.say(`\n${inOrder.length} steps in ${lastMs - startMs} ms.`)
  return exit.done
}

interface Step extends Record<string, unknown> {
  readonly at: string
  readonly service: string
  /** Type of an event, or kind of an effect. */
  readonly what: string
  readonly subject: string
  readonly id: string
  readonly topic: string | null
  readonly payload: object | null
  /** Of an effect. */
  readonly outcome: string | null
}

async function eventsOf(tx: Tx, correlationId: string): Promise<Step[]> {
  return acrossSchemas(tx, async schema => {
    const columns = sql`${schema}::text as service, type as what, event_id as id, topic,
      aggregate_key || ' v' || aggregate_version as subject, payload`
    // An event that was published again is in the archive twice.
    const { rows } = await tx.execute<Step>(sql`
      select distinct on (event_id) ${utc('created_at')} as at, ${columns}, null as outcome
      from ${table(schema, 'outbox_archive')} where headers->>'ce_correlationid' = ${correlationId}
      union all
      select ${utc('created_at')} as at, ${columns}, 'not published yet' as outcome
      from ${table(schema, 'outbox')} where headers->>'ce_correlationid' = ${correlationId}`)
    return rows
  })
}

/** Mails and calls of the payment provider. The payload of a mail may hold an address. */
async function effectsOf(tx: Tx, correlationId: string): Promise<Step[]> {
  const found = await acrossSchemas(tx, async schema => {
    const { rows } = await tx.execute<Step & { readonly error: string | null }>(sql`
      select ${utc('created_at')} as at, ${schema}::text as service, 'effect: ' || kind as what,
        id, null as topic, null as subject, payload, error,
        state || ' after ' || attempts || case attempts when 1 then ' attempt, ' else ' attempts, ' end
          || round(extract(epoch from updated_at - created_at) * 1000) || ' ms' as outcome
      from ${table(schema, 'effect')} where headers->>'correlationId' = ${correlationId}`)
    return rows
  })
  return found.map(({ error, ...step }) => ({
    ...step,
    outcome: error === null ? step.outcome : `${step.outcome}: ${withoutAddresses(error)}`,
  }))
}

interface Consumed extends Record<string, unknown> {
  readonly id: string
  readonly consumer: string
  readonly at: string
}

async function consumersOf(tx: Tx, ids: readonly string[]): Promise<Consumed[]> {
  return acrossSchemas(tx, async schema => {
    const { rows } = await tx.execute<Consumed>(sql`
      select event_id as id, consumer, ${utc('processed_at')} as at from ${table(schema, 'inbox')}
      where event_id = any(${sql.param(ids)}::uuid[]) order by processed_at`)
    return rows
  })
}

/** What became of a step: who has applied the event, or how the effect ended. */
function outcomeOf({ outcome, id, at, topic }: Step, consumed: readonly Consumed[]): string {
  if (outcome !== null) return outcome
  const hearers = consumed
    .filter(one => one.id === id)
    .map(one => `${one.consumer} +${Date.parse(one.at) - Date.parse(at)} ms`)
  if (hearers.length > 0) return hearers.join(', ')
  return topic !== null && isPersonal(topic) ? 'a profile' : '-'
}
