import type { Kafka } from '@campus/platform/events/kafka'
import type { Group } from '@campus/platform/events/kafka-admin'
import { type Exit, exit } from '../exit.ts'
import { type Operation, operate } from '../operation.ts'
import type { CommonOptions } from '../options.ts'

/** Shows the groups of services with their members. */
export async function ls(options: CommonOptions): Promise<void> {
  await operate(options, listGroups)
}

/** @see ls */
export async function listGroups(operation: Operation): Promise<Exit> {
  const groups = await serviceGroups(operation.kafka())
  operation.output.table(
    groups.map(({ name, state, members }) => ({
      group: name,
      state,
      members: members.length,
      partitions: members
        .flatMap(({ assignment }) => Object.values(assignment))
        .reduce((sum, { length }) => sum + length, 0),
      clients: members
        .map(({ clientId, host }) => `${clientId}@${host.replace(/^\//, '')}`)
        .join(', '),
    })),
    'There are no groups: no service consumes.',
  )
  return exit.done
}

/** The groups of services; those that somebody reads a topic with are thrown away and of no interest. */
export async function serviceGroups(kafka: Kafka): Promise<Group[]> {
  const groups = await kafka.admin.groups()
  return groups
    .filter(({ name }) => name.startsWith('campus.'))
    .toSorted((a, b) => a.name.localeCompare(b.name))
}
