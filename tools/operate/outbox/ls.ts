import { type Exit, exit } from '../exit.ts'
import { type Operation, operate } from '../operation.ts'
import type { CommonOptions } from '../options.ts'
import { acrossSchemas } from '../schemas.ts'
import { lanesOf } from './lanes.ts'

/** Options of `campus outbox ls`. */
export interface OutboxLsOptions {
  readonly service?: string
}

/** Shows what waits to be published, by service and lane. */
export async function ls(options: CommonOptions & OutboxLsOptions): Promise<void> {
  await operate(options, operation => listOutbox(operation, options))
}

/** @see ls */
export async function listOutbox(operation: Operation, options: OutboxLsOptions): Promise<Exit> {
  const lanes = await operation
    .postgres()
    .read(tx => acrossSchemas(tx, schema => lanesOf(tx, schema), options.service))
  operation.output.table(
    lanes.map(({ service, lane, pending, oldestSeconds, owner, isOwned, leaseUntil }) => ({
      service,
      lane,
      pending,
      oldestSeconds,
      owner: isOwned ? owner : null,
      leaseUntil,
    })),
    'There is no such service.',
  )
  return exit.done
}
