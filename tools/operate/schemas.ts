import type { Tx } from '@campus/platform/data/postgres'
import { type SQL, sql } from 'drizzle-orm'
import { CliError } from '../cli-error.ts'

/** The schemas that hold the tables of the event runtime: one per service. */
export async function serviceSchemas(tx: Tx): Promise<string[]> {
  const { rows } = await tx.execute<{ name: string }>(sql`
    select n.nspname as name from pg_namespace n
    where has_schema_privilege(n.oid, 'usage') and n.nspname !~ '^pg_' and exists (
      select from pg_class c where c.relnamespace = n.oid and c.relname = 'outbox' and c.relkind = 'r')
    order by 1`)
  return rows.map(({ name }) => name)
}

/** A table of a service's schema, ready for a statement. */
export function table(schema: string, name: string): SQL {
  return sql`${sql.identifier(schema)}.${sql.identifier(name)}`
}

/** A moment as ISO 8601 in UTC: the driver's own text has no fixed form. */
export function utc(column: string): SQL {
  return sql.raw(`to_char(${column} at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')`)
}

/**
 * The schema of a consumer, which is named `<service>.<slice>`.
 *
 * @throws CliError when there is no such service
 */
export async function schemaOf(tx: Tx, consumer: string): Promise<string> {
  const service = consumer.split('.')[0] ?? ''
  const known = await serviceSchemas(tx)
  if (known.includes(service)) return service
  throw new CliError(
    `There is no service of the consumer "${consumer}". Services: ${known.join(', ')}.`,
  )
}

/** Asks every schema in turn and puts what they answer into one list. */
export async function acrossSchemas<T>(
  tx: Tx,
  ask: (schema: string) => Promise<readonly T[]>,
  only?: string,
): Promise<T[]> {
  const found: T[] = []
  for (const schema of await serviceSchemas(tx)) {
    if (only === undefined || only === schema) found.push(...(await ask(schema)))
  }
  return found
}
