import type { Tx } from '@campus/platform/data/postgres'
import { sql } from 'drizzle-orm'
import { CliError } from '../../cli-error.ts'
import { type Exit, exit, nothing, refusal } from '../exit.ts'
import { type Operation, operate } from '../operation.ts'
import type { CommonOptions } from '../options.ts'
import { acrossSchemas, table } from '../schemas.ts'

/** A decision about an effect whose outcome nobody could know. */
export interface Decision {
  readonly id: string
  /** `sent` or `retry`. */
  readonly outcome: string
}

/** Options of `campus effects resolve`. */
export interface ResolveOptions {
  readonly reason?: string
  readonly dryRun?: boolean
}

/** Decides an effect in the place of a machine that cannot know. */
export async function resolve(
  decision: Decision,
  options: CommonOptions & ResolveOptions,
): Promise<void> {
  await operate(options, operation => decideEffect(operation, decision, options))
}

interface Found extends Record<string, unknown> {
  readonly service: string
  readonly kind: string
  readonly state: string
}

/** @see resolve */
export async function decideEffect(
  operation: Operation,
  { id, outcome }: Decision,
  options: ResolveOptions,
): Promise<Exit> {
  if (outcome !== 'sent' && outcome !== 'retry') {
    throw new CliError(`"${outcome}" is no outcome: say "sent" or "retry".`)
  }
  const { by } = operation
  const note = `Decided by ${by}: ${options.reason ?? 'no reason given'}.`
  const found = await operation.postgres().transaction(async tx => {
    const effect = await lock(tx, id)
    if (effect.state !== 'ambiguous' && effect.state !== 'failed') {
      throw refusal(
        `the effect is ${effect.state}. Only an ambiguous or failed one needs a decision; a suppressed ` +
          'one was held back on purpose.',
      )
    }
    if (options.dryRun !== true) {
      const own = table(effect.service, 'effect')
      await tx.execute(
        outcome === 'sent'
          ? sql`update ${own} set state = 'sent', error = ${note}, updated_at = now() where id = ${id}`
          : sql`update ${own} set state = 'pending', attempts = 0, next_at = now(), error = ${note},
              updated_at = now() where id = ${id}`,
      )
    }
    return effect
  })
  const now = outcome === 'sent' ? 'sent' : 'pending'
  operation.output.table(
    [
      {
        ...(options.dryRun === true ? { would: `set to ${now}` } : { outcome: now }),
        id,
        service: found.service,
        kind: found.kind,
        before: found.state,
      },
    ],
    '',
  )
  return exit.done
}

/** @throws CliError (exit code 2) when no service has such an effect */
async function lock(tx: Tx, id: string): Promise<Found> {
  if (!/^[0-9a-f-]{36}$/.test(id)) throw new CliError(`"${id}" is no id of an effect.`)
  const [found] = await acrossSchemas(tx, async schema => {
    const { rows } = await tx.execute<Found>(sql`
      select ${schema}::text as service, kind, state from ${table(schema, 'effect')}
      where id = ${id} for update`)
    return rows
  })
  if (found === undefined) throw nothing(`No service has an effect ${id}.`)
  return found
}
