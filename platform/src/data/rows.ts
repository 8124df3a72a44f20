import { getTableColumns, type InferInsertModel, type SQL, sql } from 'drizzle-orm'
import type { PgTable } from 'drizzle-orm/pg-core'
import type { Tx } from './postgres.ts'

// One statement for any number of rows, and one text for all of these statements, so that it is prepared
// once: the rows are a single parameter, which Postgres reads as rows of the table.

/**
 * Overwrites the named columns of several rows, which are found by `id`. All rows name the same columns.
 *
 * @param rows as JSON: a date is a moment in ISO 8601
 */
export async function updateRows<Table extends PgTable>(
  tx: Tx,
  table: Table,
  rows: readonly (Partial<InferInsertModel<Table>> & { readonly id: string })[],
): Promise<void> {
  const [first] = rows
  if (first === undefined) return
  const columns = getTableColumns(table)
  const assignments = Object.keys(first)
    .filter(name => name !== 'id' && columns[name] !== undefined)
    .map(name => sql.identifier(columns[name]?.name ?? name))
    .map(column => sql`${column} = r.${column}`)
  await tx.execute(sql`
    update ${table} t set ${sql.join(assignments, sql`, `)}
    from ${rowsOf(table, rows)} r where t.id = r.id`)
}

/**
 * Adds rows, complete ones, unless they are in the way of others.
 *
 * @returns the ids of those that were added
 */
export async function insertNewRows<Table extends PgTable>(
  tx: Tx,
  table: Table,
  rows: readonly (InferInsertModel<Table> & { readonly id: string })[],
): Promise<Set<string>> {
  if (rows.length === 0) return new Set()
  const added = await tx.execute<{ id: string }>(sql`
    insert into ${table} select * from ${rowsOf(table, rows)} on conflict do nothing returning id`)
  return new Set(added.rows.map(({ id }) => id))
}

function rowsOf(table: PgTable, rows: readonly object[]): SQL {
  const columns = getTableColumns(table)
  const named = rows.map(row =>
    Object.fromEntries(
      Object.entries(row).map(([name, value]) => [columns[name]?.name ?? name, value]),
    ),
  )
  return sql`jsonb_populate_recordset(null::${table}, ${JSON.stringify(named)}::jsonb)`
}
