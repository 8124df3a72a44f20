import type { Tx } from '@campus/platform/data/postgres'
import { CliError } from '../../cli-error.ts'
import { nothing } from '../exit.ts'
import { schemaOf } from '../schemas.ts'
import { type ParkedKey, parkedKeys } from './parked-keys.ts'

/** One key, or with `all` every key of a consumer. */
export interface Selection {
  readonly consumer: string
  readonly key: string | undefined
  readonly all?: boolean | undefined
  readonly class?: string | undefined
}

/**
 * The keys that a command is about.
 *
 * @throws CliError when neither a key nor `--all` is given; with exit code 2 when nothing is parked
 */
export async function chooseKeys(
  tx: Tx,
  selection: Selection,
): Promise<{ readonly schema: string; readonly keys: readonly ParkedKey[] }> {
  const { consumer, key, all } = selection
  if ((key === undefined) === (all !== true)) {
    throw new CliError('Name a key, or say --all for every key of the consumer.')
  }
  const schema = await schemaOf(tx, consumer)
  const keys = await parkedKeys(tx, schema, { consumer, key, class: selection.class })
  if (keys.length > 0) return { schema, keys }
  throw nothing(
    key === undefined
      ? `${consumer} has parked nothing of that kind.`
      : `${consumer} has not parked ${key}. "campus parked ls" shows what is parked.`,
  )
}
