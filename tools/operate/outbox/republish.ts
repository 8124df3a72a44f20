import type { Tx } from '@campus/platform/data/postgres'
import { type SQL, sql } from 'drizzle-orm'
import { CliError } from '../../cli-error.ts'
import { compactedTopics } from '../behind.ts'
import { type Exit, exit, nothing, refusal } from '../exit.ts'
import { type Operation, operate } from '../operation.ts'
import type { CommonOptions } from '../options.ts'
import type { Row } from '../output.ts'
import { acrossSchemas, table, utc } from '../schemas.ts'

/** More than this needs a second thought (safety rule 6). */
const eventsMax = 10_000

/** Options of `campus outbox republish`. */
export interface RepublishOptions {
  readonly service?: string
  readonly eventId?: readonly string[]
  readonly key?: string
  readonly since?: Date
  readonly until?: Date
  readonly allowLarge?: boolean
  readonly dryRun?: boolean
}

/** Copies rows of the archive back into the outbox, for the relay to publish once more. */
export async function republish(options: CommonOptions & RepublishOptions): Promise<void> {
  await operate(options, operation => republishEvents(operation, options))
}

/** @see republish */
export async function republishEvents(
  operation: Operation,
  options: RepublishOptions,
): Promise<Exit> {
  const { output } = operation
  const wanted = condition(options)
  const rows = await operation.postgres().transaction(tx =>
    acrossSchemas(
      tx,
      async schema => {
        await refuseWaiting(tx, schema, wanted)
        const chosen = await choose(tx, schema, wanted)
        if (chosen.length > eventsMax && options.allowLarge !== true) {
          throw refusal(
            `rule 6: more than ${eventsMax} events of ${schema}. Narrow the choice, or say --allow-large.`,
          )
        }
        if (options.dryRun !== true) await copy(tx, schema, chosen)
        return chosen
      },
      options.service,
    ),
  )
  if (rows.length === 0) {
    throw nothing('No archive holds such events; archives go back seven days.')
  }
  const label =
    options.dryRun === true ? { would: 'republish' } : { outcome: 'in the outbox again' }
  output.table(
    rows.map(({ eventId, at, topic, key, version, type }): Row => {
      return { ...label, at, topic, key, version, type, eventId }
    }),
    '',
  )
  return exit.done
}

/** @throws CliError when nothing limits the choice */
function condition({ eventId, key, since, until }: RepublishOptions): SQL {
  for (const id of eventId ?? []) {
    if (!/^[0-9a-f-]{36}$/.test(id)) throw new CliError(`"${id}" is no event id.`)
  }
  const parts = [
    ...(eventId === undefined ? [] : [sql`a.event_id = any(${sql.param(eventId)}::uuid[])`]),
    ...(key === undefined ? [] : [sql`a.aggregate_key = ${key}`]),
    ...(since === undefined ? [] : [sql`a.created_at >= ${since.toISOString()}::timestamptz`]),
    ...(until === undefined ? [] : [sql`a.created_at < ${until.toISOString()}::timestamptz`]),
  ]
  if (parts.length === 0) {
    throw new CliError('Say which events: --event-id, --key, or --since with --until.')
  }
  return sql.join(parts, sql` and `)
}

interface Archived extends Record<string, unknown> {
  readonly eventId: string
  readonly at: string
  readonly topic: string
  readonly key: string
  readonly version: number
  readonly type: string
}

/**
 * On a compacted topic the last record of a key is its value, so only the newest version of a key may
 * be written there again: an older one would become the present.
 */
async function choose(tx: Tx, schema: string, wanted: SQL): Promise<readonly Archived[]> {
  const { rows } = await tx.execute<Archived>(sql`
    select distinct on (a.event_id) a.event_id as "eventId", ${utc('a.created_at')} as at, a.topic,
      a.aggregate_key as key, a.aggregate_version as version, a.type
    from ${table(schema, 'outbox_archive')} a
    where ${wanted} and (a.topic <> all(${sql.param(compactedTopics)}::text[]) or a.aggregate_version = (
      select version from ${table(schema, 'aggregate_version')} v
      where v.topic = a.topic and v.aggregate_key = a.aggregate_key))
    order by a.event_id, a.seq`)
  return rows.toSorted((a, b) => a.at.localeCompare(b.at) || a.version - b.version)
}

/** @throws CliError (exit code 4) when one of them is on its way already */
async function refuseWaiting(tx: Tx, schema: string, wanted: SQL): Promise<void> {
  const { rows } = await tx.execute<{ event_id: string }>(sql`
    select o.event_id from ${table(schema, 'outbox')} o
    join ${table(schema, 'outbox_archive')} a on a.event_id = o.event_id where ${wanted} limit 1`)
  const [row] = rows
  if (row === undefined) return
  throw refusal(`${row.event_id} is in the outbox of ${schema}, so it is being published anyway.`)
}

/** In the order of the first time, so that the events of an aggregate follow each other again. */
async function copy(tx: Tx, schema: string, chosen: readonly Archived[]): Promise<void> {
  await tx.execute(sql`
    insert into ${table(schema, 'outbox')}
      (event_id, topic, lane, aggregate_key, aggregate_version, type, payload, headers, created_at)
    select event_id, topic, lane, aggregate_key, aggregate_version, type, payload, headers, created_at
    from (
      select distinct on (event_id) * from ${table(schema, 'outbox_archive')}
      where event_id = any(${sql.param(chosen.map(({ eventId }) => eventId))}::uuid[])
      order by event_id, seq) a
    order by seq`)
}
