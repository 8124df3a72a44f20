import { topics } from '@campus/contracts/topics'
import type { Kafka } from '@campus/platform/events/kafka'
import { type Exit, exit, nothing } from '../exit.ts'
import { type Operation, operate } from '../operation.ts'
import type { CommonOptions } from '../options.ts'
import type { Row } from '../output.ts'
import { serviceGroups } from './ls.ts'

/** Options of `campus groups lag`. */
export interface LagOptions {
  readonly all?: boolean
}

/** Shows what groups have not consumed yet. */
export async function lag(
  group: string | undefined,
  options: CommonOptions & LagOptions,
): Promise<void> {
  await operate(options, operation => listLag(operation, group, options))
}

/** @see lag */
export async function listLag(
  operation: Operation,
  group: string | undefined,
  { all }: LagOptions,
): Promise<Exit> {
  const kafka = operation.kafka()
  const known = (await serviceGroups(kafka)).map(({ name }) => name)
  if (group !== undefined && !known.includes(group)) {
    throw nothing(`There is no group "${group}". Groups: ${known.join(', ') || 'none'}.`)
  }
  const rows: Row[] = []
  for (const { name: topic } of topics) {
    const ends = await kafka.admin.offsets(topic)
    for (const one of group === undefined ? known : [group]) {
      rows.push(...(await lagOf(kafka, one, topic, ends)))
    }
  }
  const behind = rows.filter(row => row['lag'] !== 0n)
  operation.output.table(all === true ? rows : behind, 'Nobody is behind.')
  return exit.done
}

async function lagOf(
  kafka: Kafka,
  group: string,
  topic: string,
  ends: readonly { readonly partition: number; readonly low: bigint; readonly high: bigint }[],
): Promise<Row[]> {
  const committed = await kafka.admin.committed(group, topic)
  // A group that has committed nothing of a topic does not consume it.
  if (committed.every(({ offset }) => offset < 0n)) return []
  return committed
    .toSorted((a, b) => a.partition - b.partition)
    .map(({ partition, offset }) => {
      const { low, high } = ends.find(end => end.partition === partition) ?? { low: 0n, high: 0n }
      // Without a commit, or before what is kept, it goes on with the first record there is.
      const next = offset > low ? offset : low
      return { group, topic, partition, committed: offset, end: high, lag: high - next }
    })
}
