import { type Exit, exit } from '../exit.ts'
import { type Operation, operate } from '../operation.ts'
import type { CommonOptions } from '../options.ts'
import { acrossSchemas } from '../schemas.ts'
import { lanesOf } from './lanes.ts'

/** Options of `campus outbox stuck`. */
export interface StuckOptions {
  /** Seconds that an event may wait. */
  readonly olderThan: number
}

/** Shows lanes that do not move, each with the event that all others wait for. */
export async function stuck(options: CommonOptions & StuckOptions): Promise<void> {
  await operate(options, operation => listStuck(operation, options))
}

/** @see stuck */
export async function listStuck(operation: Operation, options: StuckOptions): Promise<Exit> {
  const lanes = await operation
    .postgres()
    .read(tx => acrossSchemas(tx, schema => lanesOf(tx, schema)))
  const found = lanes.filter(
    ({ pending, oldestSeconds }) => pending > 0 && (oldestSeconds ?? 0) >= options.olderThan,
  )
  operation.output.table(
    found.map(({ service, lane, pending, oldestSeconds, first, type, key, isOwned }) => ({
      service,
      lane,
      pending,
      oldestSeconds,
      first,
      type,
      key,
      why: isOwned ? 'Kafka does not take it' : 'no replica owns the lane',
    })),
    'Every outbox moves.',
  )
  return found.length === 0 ? exit.done : exit.failed
}
