import { sql } from 'drizzle-orm'
import { type Exit, exit } from '../exit.ts'
import { type Operation, operate } from '../operation.ts'
import type { CommonOptions } from '../options.ts'
import type { Row } from '../output.ts'
import { acrossSchemas, table, utc } from '../schemas.ts'

/** Shows every consumer and whether it has stopped. */
export async function ls(options: CommonOptions): Promise<void> {
  await operate(options, listConsumers)
}

/** @see ls */
export async function listConsumers(operation: Operation): Promise<Exit> {
  const rows = await operation.postgres().read(tx =>
    acrossSchemas(tx, async schema => {
      const found = await tx.execute<Record<string, string | number | null>>(sql`
        select consumer, case when s.stopped_at is not null then 'stopped'
            when s.paused_until > now() then 'paused' else 'consuming' end as state,
          (select count(*)::int from ${table(schema, 'parked_key')} k where k.consumer = s.consumer)
            as "parkedKeys",
          ${utc('s.bootstrapped_at')} as "bootstrappedAt", ${utc('s.stopped_at')} as "stoppedAt",
          s.stop_reason as reason
        from ${table(schema, 'consumer_state')} s order by consumer`)
      const known: Row[] = found.rows
      return known
    }),
  )
  operation.output.table(rows, 'No consumer has started yet.')
  return exit.done
}
