import { type Exit, exit } from '../exit.ts'
import { type Operation, operate } from '../operation.ts'
import type { CommonOptions } from '../options.ts'
import { withoutAddresses } from '../personal.ts'
import { acrossSchemas } from '../schemas.ts'
import { type KeyChoice, parkedKeys } from './parked-keys.ts'

/** Shows what is parked, by consumer and key. */
export async function ls(options: CommonOptions & KeyChoice): Promise<void> {
  await operate(options, operation => listParked(operation, options))
}

/** @see ls */
export async function listParked(operation: Operation, choice: KeyChoice): Promise<Exit> {
  const keys = await operation
    .postgres()
    .read(tx => acrossSchemas(tx, schema => parkedKeys(tx, schema, choice)))
  const rows = keys.map(key => ({ ...key, error: shorten(withoutAddresses(key.error)) }))
  operation.output.table(rows, 'Nothing is parked.')
  return exit.done
}

const errorLengthMax = 100

function shorten(error: string | null): string | null {
  const line = error?.split('\n')[0] ?? null
  return line === null || line.length <= errorLengthMax ? line : `${line.slice(0, errorLengthMax)}…`
}
