import { topics } from '@campus/contracts/topics'
import { applyTopics } from '@campus/platform/events/topics'
import { type Exit, exit, nothing } from '../exit.ts'
import { type Operation, operate } from '../operation.ts'
import type { CommonOptions } from '../options.ts'

/** Options of `campus topics apply`. */
export interface ApplyOptions {
  readonly dryRun?: boolean
}

/** Creates the topics that are missing. Partitions are never raised: that would move aggregates. */
export async function apply(options: CommonOptions & ApplyOptions): Promise<void> {
  await operate(options, operation => createTopics(operation, options))
}

/** @see apply */
export async function createTopics(operation: Operation, { dryRun }: ApplyOptions): Promise<Exit> {
  const kafka = operation.kafka()
  const found = await Promise.all(topics.map(({ name }) => kafka.admin.describe(name)))
  const missing = topics.filter((_, i) => found[i] === undefined)
  if (missing.length === 0)
    throw nothing('Every topic exists. "campus topics verify" compares them.')
  const created =
    dryRun === true ? missing.map(({ name }) => name) : await applyTopics(kafka, missing)
  operation.output.table(
    created.map(topic =>
      dryRun === true ? { would: 'create', topic } : { outcome: 'created', topic },
    ),
    '',
  )
  return exit.done
}
