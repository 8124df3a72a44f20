import { topics } from '@campus/contracts/topics'
import { verifyTopics } from '@campus/platform/events/topics'
import { type Exit, exit } from '../exit.ts'
import { type Operation, operate } from '../operation.ts'
import type { CommonOptions } from '../options.ts'

/** Compares the topics with the contracts. */
export async function verify(options: CommonOptions): Promise<void> {
  await operate(options, compareTopics)
}

/** @see verify */
export async function compareTopics(operation: Operation): Promise<Exit> {
  const problems = await verifyTopics(operation.kafka(), topics)
  operation.output.table(
    problems.map(problem => ({ problem })),
    `All ${topics.length} topics are as the contracts want them.`,
  )
  return problems.length === 0 ? exit.done : exit.failed
}
