import type { MailAddresses } from './inbox/start-mail.ts'
import { loopback } from './ports.ts'
import type { Secrets } from './secrets.ts'
import type { ServerAddresses } from './servers.ts'
import type { ServiceDefinition } from './services.ts'

/** The ports of a service. */
export interface ServicePorts {
  readonly api: number
  readonly admin: number
}

/** What the environment of every service is made from. */
export interface EnvSources {
  readonly ports: ReadonlyMap<string, ServicePorts>
  readonly servers: ServerAddresses
  readonly mail: MailAddresses
  /** Addresses of the login roles. */
  readonly databases: Readonly<Record<string, string>>
  readonly secrets: Secrets
  /** The launcher's own environment. */
  readonly launcher: NodeJS.ProcessEnv
}

/** Variables of the launcher that every service sees too. The superuser's DATABASE_URL is not one. */
const inherited = [
  'PATH',
  'HOME',
  'TZ',
  'LANG',
  'LOG_LEVEL',
  'KAFKA_TOPIC_PREFIX',
  'NODE_EXTRA_CA_CERTS',
  'OTEL_EXPORTER_OTLP_ENDPOINT',
]

/** Less than the launcher waits, so that a service reports its own late stop. */
const shutdownTimeoutSeconds = 6

/** The whole environment of one service. */
export function serviceEnv(
  definition: ServiceDefinition,
  sources: EnvSources,
): Record<string, string> {
  const { name } = definition
  const own = sources.ports.get(name)
  return {
    ...pick(sources.launcher, inherited),
    HOST: loopback,
    PORT: String(own?.api ?? 0),
    ADMIN_PORT: String(own?.admin ?? 0),
    PUBLIC_URL: apiUrl(sources, 'gateway'),
    JWKS_URL: `${apiUrl(sources, 'users')}/.well-known/jwks.json`,
    DATABASE_URL: sources.databases[name] ?? '',
    KAFKA_BROKERS: sources.servers.KAFKA_BROKERS,
    REDIS_URL: sources.servers.REDIS_URL,
    SHUTDOWN_TIMEOUT_SECONDS: String(shutdownTimeoutSeconds),
    // By default glibc keeps up to eight arenas a core, which a service never fills.
    MALLOC_ARENA_MAX: '2',
    ...(definition.isMailer === true ? { SMTP_URL: sources.mail.SMTP_URL } : {}),
    ...Object.fromEntries(
      ['CURSOR_SECRET', ...(definition.secrets ?? [])].map(variable => [
        variable,
        sources.secrets(`${name}.${variable}`),
      ]),
    ),
    ...Object.fromEntries(
      (definition.peers ?? []).map(peer => [`${peer.toUpperCase()}_URL`, apiUrl(sources, peer)]),
    ),
    ...definition.settings,
    ...overridesOf(name, sources.launcher),
  }
}

/** `CAMPUS_ORDERS_PAYMENT_TIMEOUT_SECONDS=5` sets PAYMENT_TIMEOUT_SECONDS for orders alone. */
function overridesOf(name: string, launcher: NodeJS.ProcessEnv): Record<string, string> {
  const prefix = `CAMPUS_${name.toUpperCase()}_`
  const names = Object.keys(launcher).filter(variable => variable.startsWith(prefix))
  return Object.fromEntries(
    names.map(variable => [variable.slice(prefix.length), launcher[variable] ?? '']),
  )
}

function apiUrl({ ports }: EnvSources, service: string): string {
  return `http://${loopback}:${ports.get(service)?.api ?? 0}`
}

function pick(env: NodeJS.ProcessEnv, names: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    names.flatMap(name => {
      const value = env[name]
      return value === undefined ? [] : [[name, value]]
    }),
  )
}
