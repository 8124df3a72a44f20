import { userInfo } from 'node:os'
import { createPostgres, type Postgres } from '@campus/platform/data/postgres'
import { createKafka, type Kafka } from '@campus/platform/events/kafka'
import { CliError } from '../cli-error.ts'
import { type Addresses, locate } from './addresses.ts'
import type { Exit } from './exit.ts'
import type { CommonOptions } from './options.ts'
import { createOutput, type Output } from './output.ts'

/** What a command works with; connections are opened when they are asked for. */
export interface Operation {
  readonly output: Output
  readonly addresses: Addresses
  readonly timeoutMs: number
  /** Who operates, noted beside what is decided. */
  readonly by: string
  /** Fires when the person has had enough. */
  readonly signal: AbortSignal
  /** The database as `campus_operator`. */
  postgres(): Postgres
  /** The database as `campus_audit`. */
  audit(): Postgres
  kafka(): Kafka
}

/** Looking through an archive takes longer than a request may. */
const statementTimeoutMs = 30_000
/** Of one audit query; a round that is slower says so instead of holding its snapshot. */
const auditTimeoutMs = 10_000

/** Runs a command, closes what it opened, and leaves its exit code. */
export async function operate(
  options: CommonOptions,
  work: (operation: Operation) => Promise<Exit>,
): Promise<void> {
  const interrupt = new AbortController()
  const wantStop = () => interrupt.abort()
  process.once('SIGINT', wantStop)
  process.once('SIGTERM', wantStop)
  // Whoever reads our lines may go away, as in "campus events tail | head".
  process.stdout.on('error', wantStop)
  const opened = openOperation(locate(options), {
    output: createOutput({
      isJson: options.json === true,
      write: text => void process.stdout.write(text),
      warn: text => void process.stderr.write(text),
    }),
    timeoutMs: options.timeout * 1_000,
    signal: interrupt.signal,
  })
  try {
    process.exitCode = await work(opened.operation)
  } catch (error) {
    throw explain(error)
  } finally {
    await opened.close()
  }
}

/** What {@link operate} hands to a command; for tests, which give the addresses themselves. */
export function openOperation(
  addresses: Addresses,
  options: Pick<Operation, 'output' | 'timeoutMs' | 'signal'>,
): { readonly operation: Operation; close(): Promise<void> } {
  const opened: { close(): Promise<void> }[] = []
  const own = <T extends { close(): Promise<void> }>(one: T): T => {
    opened.push(one)
    return one
  }
  const database = (variable: 'CAMPUS_OPERATOR_DATABASE_URL' | 'CAMPUS_AUDIT_DATABASE_URL') =>
    createPostgres({
      url: required(addresses, variable),
      max: 2,
      applicationName: 'campus-operate',
      statementTimeoutMs:
        variable === 'CAMPUS_AUDIT_DATABASE_URL' ? auditTimeoutMs : statementTimeoutMs,
    })
  let postgres: Postgres | undefined
  let audit: Postgres | undefined
  let kafka: Kafka | undefined
  return {
    operation: {
      ...options,
      addresses,
      by: userInfo().username,
      postgres: () => (postgres ??= own(database('CAMPUS_OPERATOR_DATABASE_URL'))),
      audit: () => (audit ??= own(database('CAMPUS_AUDIT_DATABASE_URL'))),
      kafka: () =>
        (kafka ??= own(
          createKafka({
            brokers: required(addresses, 'KAFKA_BROKERS').split(','),
            clientId: 'campus-operate',
            topicPrefix: addresses.KAFKA_TOPIC_PREFIX,
          }),
        )),
    },
    async close() {
      await Promise.all(opened.map(one => one.close()))
    },
  }
}

function required(addresses: Addresses, name: keyof Addresses & `${string}_${string}`): string {
  const value = addresses[name]
  if (value !== '') return value
  throw new CliError(`The address ${name} is missing. Put it into the environment.`)
}

/** Failures that an operator can do something about, as a sentence. */
function explain(error: unknown): unknown {
  if (!(error instanceof Error) || error instanceof CliError) return error
  const cause = error.cause instanceof Error ? error.cause : error
  const code = String(Reflect.get(cause, 'code') ?? '')
  if (code === '42501') {
    return new CliError(
      `The database refuses it: ${cause.message}. Start the mesh again (or run its provisioning), ` +
        'which grants the roles of operators what they need.',
    )
  }
  if (code === '28P01') {
    return new CliError(
      'The database refuses the password. Look at the address in the environment.',
    )
  }
  if (['ECONNREFUSED', 'ENOTFOUND', 'ETIMEDOUT', 'ECONNRESET'].includes(code)) {
    return new CliError(`A server does not answer (${cause.message}). Look at "campus status".`)
  }
  if (error.name.startsWith('KafkaJS')) {
    return new CliError(`Kafka does not answer (${error.message}). Look at "campus status".`)
  }
  return error
}
