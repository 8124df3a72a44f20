import type { Secrets } from './secrets.ts'
import type { ServerAddresses } from './servers.ts'
import { migrationFolders, root, type ServiceDefinition } from './services.ts'
import { runTask } from './task.ts'

/** What provision.main.ts reads from its standard input. */
export interface ProvisionInput {
  readonly adminUrl: string
  readonly brokers: string
  readonly topicPrefix: string
  readonly operatorPassword: string
  readonly auditPassword: string
  readonly services: readonly {
    readonly name: string
    readonly password: string
    readonly migrations: readonly string[]
  }[]
}

/** Where operators reach the database: to repair, and to check. */
export interface OperatorAddresses {
  readonly CAMPUS_OPERATOR_DATABASE_URL: string
  readonly CAMPUS_AUDIT_DATABASE_URL: string
}

/** What it prints. */
export interface Provisioned {
  /** The address of each service's login role. */
  readonly databases: Readonly<Record<string, string>>
  /** Addresses of the roles of operators, under the names from which `campus` reads them. */
  readonly operators: OperatorAddresses
  /** Migrations that ran now. */
  readonly migrations: readonly string[]
  /** Topics that were created now. */
  readonly topics: readonly string[]
}

/**
 * Makes what the services find when they start: schemas, roles, tables and topics. Repeating it changes
 * nothing that is up to date.
 *
 * In a process of its own: the clients of Postgres and Kafka would stay in the launcher's memory.
 */
export async function provision(options: {
  readonly services: readonly ServiceDefinition[]
  readonly servers: ServerAddresses
  readonly secrets: Secrets
  readonly topicPrefix: string
  readonly signal: AbortSignal
}): Promise<Provisioned> {
  const input: ProvisionInput = {
    adminUrl: options.servers.DATABASE_URL,
    brokers: options.servers.KAFKA_BROKERS,
    topicPrefix: options.topicPrefix,
    operatorPassword: options.secrets('operator.database'),
    auditPassword: options.secrets('audit.database'),
    services: options.services.map(service => ({
      name: service.name,
      password: options.secrets(`${service.name}.database`),
      migrations: migrationFolders(service),
    })),
  }
  const output = await runTask(`${root}/tools/local/provision.main.ts`, input, options.signal)
  const provisioned: Provisioned = JSON.parse(output)
  return provisioned
}
