import { sql } from 'drizzle-orm'
import { type Exit, exit } from '../exit.ts'
import { type Operation, operate } from '../operation.ts'
import type { CommonOptions } from '../options.ts'
import { withoutAddresses } from '../personal.ts'
import { acrossSchemas, table, utc } from '../schemas.ts'

/** Options of `campus effects ls`. */
export interface EffectsLsOptions {
  readonly state?: readonly string[]
  readonly kind?: string
}

/** Shows effects; by default those without a certain end. */
export async function ls(options: CommonOptions & EffectsLsOptions): Promise<void> {
  await operate(options, operation => listEffects(operation, options))
}

interface Effect extends Record<string, string | number | null> {
  readonly error: string | null
}

/** @see ls */
export async function listEffects(operation: Operation, options: EffectsLsOptions): Promise<Exit> {
  const { state = ['pending', 'sending', 'ambiguous', 'failed'], kind = null } = options
  const rows = await operation.postgres().read(tx =>
    acrossSchemas(tx, async schema => {
      const found = await tx.execute<Effect>(sql`
        select ${schema}::text as service, id, kind, state, attempts,
          round(extract(epoch from now() - created_at))::int as "ageSeconds",
          case when state = 'pending' then ${utc('next_at')} end as "nextAt",
          headers->>'correlationId' as correlation, error
        from ${table(schema, 'effect')}
        where state = any(${sql.param(state)}::text[]) and (${kind}::text is null or kind = ${kind})
        order by created_at limit 1000`)
      return found.rows
    }),
  )
  operation.output.table(
    rows.map(row => ({ ...row, error: withoutAddresses(row.error) })),
    'Every effect has a certain end.',
  )
  return exit.done
}
