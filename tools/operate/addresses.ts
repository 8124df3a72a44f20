import { CliError } from '../cli-error.ts'
import { type Account, readAccounts } from '../local/accounts.ts'
import { locateHome } from '../local/home.ts'
import { readRunFile } from '../local/run-file.ts'
import type { CommonOptions } from './options.ts'

/** Where a mesh is, as far as it is known. */
export interface Addresses {
  readonly CAMPUS_OPERATOR_DATABASE_URL: string
  readonly CAMPUS_AUDIT_DATABASE_URL: string
  readonly KAFKA_BROKERS: string
  readonly KAFKA_TOPIC_PREFIX: string
  readonly CAMPUS_GATEWAY_URL: string
  /** An access token of an administrator; the local mesh has an account instead. */
  readonly CAMPUS_TOKEN: string
  readonly admin: Account | undefined
}

/**
 * The addresses of the mesh that a command is about.
 *
 * @throws CliError when the local mesh does not run
 */
export function locate(
  options: Pick<CommonOptions, 'home' | 'context'>,
  env: NodeJS.ProcessEnv = process.env,
): Addresses {
  const given = (name: string) => env[name] ?? ''
  if (options.context !== 'local') {
    return {
      CAMPUS_OPERATOR_DATABASE_URL: given('CAMPUS_OPERATOR_DATABASE_URL'),
      CAMPUS_AUDIT_DATABASE_URL: given('CAMPUS_AUDIT_DATABASE_URL'),
      KAFKA_BROKERS: given('KAFKA_BROKERS'),
      KAFKA_TOPIC_PREFIX: given('KAFKA_TOPIC_PREFIX'),
      CAMPUS_GATEWAY_URL: given('CAMPUS_GATEWAY_URL'),
      CAMPUS_TOKEN: given('CAMPUS_TOKEN'),
      admin: undefined,
    }
  }
  const home = locateHome(options.home)
  const run = readRunFile(home)
  if (run === undefined) {
    throw new CliError(
      'Campus is not running here. Start it with "campus up", or name a --context and put the ' +
        'addresses of its mesh into the environment (docs/operations.md).',
    )
  }
  return {
    CAMPUS_OPERATOR_DATABASE_URL: run.env['CAMPUS_OPERATOR_DATABASE_URL'] ?? '',
    CAMPUS_AUDIT_DATABASE_URL: run.env['CAMPUS_AUDIT_DATABASE_URL'] ?? '',
    KAFKA_BROKERS: run.env['KAFKA_BROKERS'] ?? '',
    KAFKA_TOPIC_PREFIX: given('KAFKA_TOPIC_PREFIX'),
    CAMPUS_GATEWAY_URL: run.endpoints['gateway'] ?? '',
    CAMPUS_TOKEN: given('CAMPUS_TOKEN'),
    admin: readAccounts(home).find(({ role }) => role === 'admin'),
  }
}
