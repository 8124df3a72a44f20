import type { Tx } from '@campus/platform/data/postgres'
import { sql } from 'drizzle-orm'
import { findBehind, type ServiceTables } from '../behind.ts'
import type { Row } from '../output.ts'
import { table } from '../schemas.ts'
import { type Check, queryCheck } from './check.ts'

const minute = 60

/** Nothing waits for ever, and nothing was lost on the way between services. */
export const eventChecks: readonly Check[] = [
  {
    id: 'I7.outbox',
    mustHold: 'events are published: 99 % of those that wait are younger than 5 s',
    settleSeconds: 0,
    find: tx =>
      eachService(tx, async ({ service, schema }) => {
        const { rows } = await tx.execute<Record<string, string | number>>(sql`
          select ${service}::text as id, count(*)::int as waiting,
            round(extract(epoch from now() - min(created_at)))::int as "oldestSeconds"
          from ${table(schema, 'outbox')}
          having percentile_disc(0.99) within group (order by now() - created_at) > interval '5 seconds'`)
        return rows
      }),
  },
  queryCheck({
    id: 'I7.sagas',
    mustHold: 'no step of a saga is over its timer',
    settleSeconds: 2 * minute,
    query: settled => sql`
      select id, state, timer_at as due from orders_audit.orders where timer_at < ${settled}`,
  }),
  {
    id: 'I7.parked',
    mustHold: 'what is parked was acknowledged',
    settleSeconds: 0,
    find: tx =>
      eachService(tx, async ({ schema }) => {
        const { rows } = await tx.execute<Record<string, string>>(sql`
          select aggregate_key as id, consumer, topic from ${table(schema, 'parked_key')}
          where not is_acknowledged limit 1000`)
        return rows
      }),
  },
  {
    id: 'I14',
    mustHold: 'each consumer has seen what was published of its aggregates, or has parked it',
    settleSeconds: 5 * minute,
    find: (tx, settleSeconds) =>
      eachService(tx, source =>
        eachService(tx, async hearer => {
          const rows = await findBehind(tx, source, hearer, settleSeconds)
          return rows
            .filter(({ isParked }) => isParked !== true)
            .map(({ key, consumer, topic, published, seen }) => {
              return { id: key, consumer, topic, published, seen }
            })
        }),
      ),
  },
  {
    id: 'I15',
    mustHold: 'the versions of an aggregate have no gap in the archive',
    settleSeconds: 0,
    find: tx =>
      eachService(tx, async ({ schema }) => {
        // An event that was published again is there twice.
        const { rows } = await tx.execute<Record<string, string | number>>(sql`
          select aggregate_key as id, topic, before, version from (
            select topic, aggregate_key, aggregate_version as version,
              lag(aggregate_version) over (partition by topic, aggregate_key
                order by aggregate_version) as before
            from (select distinct topic, aggregate_key, aggregate_version
              from ${table(schema, 'outbox_archive')}) once) steps
          where version <> before + 1 limit 1000`)
        return rows
      }),
  },
]

/** Asks the audit views of every service. */
async function eachService(
  tx: Tx,
  ask: (tables: ServiceTables) => Promise<readonly Row[]>,
): Promise<readonly Row[]> {
  const found: Row[] = []
  for (const tables of await auditSchemas(tx)) found.push(...(await ask(tables)))
  return found
}

/** The schemas of audit views: one per service. */
export async function auditSchemas(tx: Tx): Promise<readonly ServiceTables[]> {
  const { rows } = await tx.execute<{ schema: string; service: string }>(sql`
    select n.nspname as schema, regexp_replace(n.nspname, '_audit$', '') as service
    from pg_namespace n
    where n.nspname like '%\\_audit' and has_schema_privilege(n.oid, 'usage') and exists (
      select from pg_class c where c.relnamespace = n.oid and c.relname = 'outbox' and c.relkind = 'v')
    order by 1`)
  return rows
}
