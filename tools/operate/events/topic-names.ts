import { topics } from '@campus/contracts/topics'
import { CliError } from '../../cli-error.ts'
import { isPersonal, refusePersonal } from '../personal.ts'

/**
 * The topics that a command reads: those that were named, or all that need no reason.
 *
 * @throws CliError for an unknown topic, and (exit code 4) for personal data without a reason
 */
export function chooseTopics(
  named: readonly string[] | undefined,
  mayBePersonal: boolean,
): readonly string[] {
  const known = topics.map(({ name }) => name)
  if (named === undefined) return known.filter(name => mayBePersonal || !isPersonal(name))
  for (const name of named) {
    if (!known.includes(name)) {
      throw new CliError(`There is no topic "${name}". Topics: ${known.join(', ')}.`)
    }
    refusePersonal(name, mayBePersonal)
  }
  return named
}
