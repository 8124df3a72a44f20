import { sql } from 'drizzle-orm'
import { type Exit, exit, nothing } from '../exit.ts'
import { type Operation, operate } from '../operation.ts'
import type { CommonOptions } from '../options.ts'
import { schemaOf, table, utc } from '../schemas.ts'

/** Lets a consumer go on that its breaker has stopped. */
export async function resume(
  consumer: string,
  options: CommonOptions & { readonly dryRun?: boolean },
): Promise<void> {
  await operate(options, operation => resumeConsumer(operation, consumer, options))
}

/** @see resume */
export async function resumeConsumer(
  operation: Operation,
  consumer: string,
  { dryRun }: { readonly dryRun?: boolean },
): Promise<Exit> {
  const stopped = await operation.postgres().transaction(async tx => {
    const states = table(await schemaOf(tx, consumer), 'consumer_state')
    const { rows } = await tx.execute<{ stoppedAt: string; reason: string | null }>(sql`
      select ${utc('stopped_at')} as "stoppedAt", stop_reason as reason from ${states}
      where consumer = ${consumer} and stopped_at is not null for update`)
    if (rows.length > 0 && dryRun !== true) {
      await tx.execute(sql`
        update ${states} set stopped_at = null, stop_reason = null where consumer = ${consumer}`)
    }
    return rows[0]
  })
  if (stopped === undefined) {
    throw nothing(`${consumer} has not stopped itself. "campus consumers ls" shows all of them.`)
  }
  const outcome = dryRun === true ? { would: 'resume' } : { outcome: 'resumed' }
  operation.output.table([{ ...outcome, consumer, ...stopped }], '')
  return exit.done
}
