import { readFileSync } from 'node:fs'
import { type Static, type TObject, type TSchema, Type } from 'typebox'
import { Check, Errors } from 'typebox/value'

/** The variables of a process, e.g. `process.env`. */
export type Environment = Readonly<Record<string, string | undefined>>

/**
 * A secret: at least 16 characters, no default, never printed.
 *
 * `NAME_FILE` may name a file that holds it, as secret stores mount them.
 */
export function Secret(options: { readonly description: string }) {
  return Type.String({ ...options, secret: true, minLength: 16 })
}

/** What every service needs. Compose: `Type.Object({ ...ServiceConfig.properties, … })`. */
export const ServiceConfig = Type.Object({
  HOST: Type.String({ default: '127.0.0.1', description: 'Address to listen on' }),
  PORT: Type.Integer({ minimum: 0, maximum: 65_535, default: 3000, description: 'HTTP port' }),
  ADMIN_PORT: Type.Integer({
    minimum: 0,
    maximum: 65_535,
    default: 9000,
    description: 'Port of metrics and health; never public',
  }),
  PUBLIC_URL: Type.String({
    pattern: '^https?://',
    default: 'http://127.0.0.1:8080',
    description: 'Where clients reach the gateway; base of links and of problem types',
  }),
  DATABASE_URL: Type.String({
    pattern: '^postgres(ql)?://',
    secret: true,
    description: 'Postgres, as the role of this service',
  }),
  DATABASE_POOL_MAX: Type.Integer({
    minimum: 1,
    maximum: 100,
    default: 16,
    description: 'Connections to Postgres',
  }),
  INBOX_RETENTION_DAYS: Type.Integer({
    minimum: 1,
    maximum: 3_650,
    default: 37,
    description: 'How long applied events are remembered; a week more than topics keep them',
  }),
  KAFKA_BROKERS: Type.String({ minLength: 1, description: 'host:port, comma separated' }),
  KAFKA_TOPIC_PREFIX: Type.String({
    default: '',
    pattern: '^[a-z0-9.-]*$',
    description: 'Put before every topic and group, so that two systems share one cluster',
  }),
  REDIS_URL: Type.String({ pattern: '^rediss?://', secret: true, description: 'Redis or Valkey' }),
  JWKS_URL: Type.String({
    pattern: '^https?://',
    description: 'Public keys of access tokens, published by users',
  }),
  CURSOR_SECRET: Secret({ description: 'Authenticates page cursors; equal in all replicas' }),
  LOG_LEVEL: Type.Union(
    ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'].map(level =>
      Type.Literal(level),
    ),
    { default: 'info', description: 'Least level that is logged' },
  ),
  OTEL_EXPORTER_OTLP_ENDPOINT: Type.String({
    default: '',
    description: 'OTLP/HTTP collector, e.g. http://127.0.0.1:4318; empty: no traces',
  }),
  MAX_EVENT_LOOP_DELAY_MS: Type.Integer({
    minimum: 0,
    maximum: 60_000,
    default: 1_000,
    description: 'Mean delay of the event loop beyond which requests are shed with 503; 0: never',
  }),
  SHUTDOWN_TIMEOUT_SECONDS: Type.Integer({
    minimum: 1,
    maximum: 300,
    default: 25,
    description: 'A graceful stop that lasts longer ends the process',
  }),
})

/** What a service with event streams needs. */
export const StreamConfig = Type.Object({
  STREAMS_PER_USER_MAX: Type.Integer({
    minimum: 1,
    maximum: 100,
    default: 8,
    description: 'Streams that one person may have open at one replica',
  }),
  STREAMS_MAX: Type.Integer({
    minimum: 1,
    maximum: 50_000,
    default: 2_000,
    description: 'Streams that one replica serves',
  }),
  STREAM_HEARTBEAT_SECONDS: Type.Integer({
    minimum: 1,
    maximum: 60,
    default: 15,
    description: 'A quiet stream sends a comment so often, or proxies take it for dead',
  }),
  STREAM_LOOK_MS: Type.Integer({
    minimum: 50,
    maximum: 60_000,
    default: 1_000,
    description:
      'How often what streams show is looked at without a hint: other replicas change it too',
  }),
})

/** One problem per variable; thrown by `loadConfig`. The text names no value. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError'
  readonly problems: readonly string[]

  constructor(problems: readonly string[]) {
    super(`The configuration has ${problems.length} problem(s):\n  ${problems.join('\n  ')}`)
    this.problems = problems
  }
}

/**
 * Reads `env` by `schema`: text becomes integer, number or boolean, absent or empty becomes the
 * default.
 *
 * @throws ConfigError that lists every problem at once; it prints names and expectations, no values
 */
export function loadConfig<T extends TObject>(schema: T, env: Environment): Readonly<Static<T>> {
  const problems: string[] = []
  const config: Record<string, unknown> = {}
  for (const [name, property] of Object.entries(schema.properties)) {
    const read = readVariable(name, property, env)
    if ('problem' in read) problems.push(read.problem)
    else if (read.value !== undefined) config[name] = read.value
    else if (schema.required.includes(name)) {
      problems.push(`${name} is missing: ${expectation(property)}`)
    }
  }
  if (problems.length > 0) throw new ConfigError(problems)
  if (!Check(schema, config)) {
    const [error] = Errors(schema, config)
    throw new ConfigError([error?.message ?? 'does not fit its schema'])
  }
  return Object.freeze(config)
}

type Read = { readonly value: unknown } | { readonly problem: string }

function readVariable(name: string, schema: TSchema, env: Environment): Read {
  const keywords: Keywords = schema
  let text = env[name]
  const file = env[`${name}_FILE`]
  if (keywords.secret === true && text === undefined && file !== undefined) {
    try {
      text = readFileSync(file, 'utf8').trim()
    } catch {
      return { problem: `${name}_FILE names a file that cannot be read` }
    }
  }
  // An empty variable means the same as none: shells and manifests cannot always leave it out.
  if (text === undefined || text === '') return { value: keywords.default }
  const value = convert(text, keywords)
  if (!Check(schema, value)) return { problem: `${name} is wrong: ${expectation(keywords)}` }
  return { value }
}

/** The JSON schema keywords that configuration uses. */
interface Keywords {
  readonly type?: string
  readonly default?: unknown
  readonly description?: string
  readonly secret?: boolean
  readonly anyOf?: readonly { readonly const?: string | number }[]
  readonly minimum?: number
  readonly maximum?: number
  readonly minLength?: number
  readonly maxLength?: number
  readonly pattern?: string
}

function convert(text: string, { type }: Keywords): unknown {
  if (type === 'integer' && /^-?\d{1,15}$/.test(text)) return Number(text)
  if (type === 'number' && /^-?\d{1,15}(\.\d{1,15})?$/.test(text)) return Number(text)
  if (type === 'boolean' && /^(true|false)$/.test(text)) return text === 'true'
  return text
}

const limits = [
  ['minimum', '≥'],
  ['maximum', '≤'],
  ['minLength', 'characters ≥'],
  ['maxLength', 'characters ≤'],
  ['pattern', 'like'],
] as const

/** What a variable must be, in words. */
function expectation(schema: Keywords): string {
  const rules: string[] = [typeName(schema)]
  for (const [keyword, words] of limits) {
    const limit = schema[keyword]
    if (limit !== undefined) rules.push(`${words} ${limit}`)
  }
  if (schema.description !== undefined) rules.push(`(${schema.description})`)
  return rules.join(' ')
}

function typeName(schema: Keywords): string {
  if (schema.anyOf === undefined) return schema.type ?? 'text'
  return schema.anyOf.map(choice => choice.const).join(', ')
}

/** One variable, as documentation shows it. */
export interface ConfigRow {
  readonly name: string
  readonly type: string
  /** The default as text; `required` or `secret` when there is none. */
  readonly default: string
  readonly description: string
}

/** Every variable of `schema`, in order. */
export function describeConfig(schema: TObject): ConfigRow[] {
  return Object.entries(schema.properties).map(([name, property]) => {
    const keywords: Keywords = property
    const absent = schema.required.includes(name) ? 'required' : 'optional'
    const none = keywords.secret === true ? `${absent}, secret` : absent
    return {
      name,
      type: typeName(keywords),
      default: keywords.default === undefined ? none : JSON.stringify(keywords.default),
      description: keywords.description ?? '',
    }
  })
}

/** The variables as a Markdown table: what a README holds and CI compares. */
export function configTable(schema: TObject): string {
  const rows = describeConfig(schema).map(row => {
    const cells = [row.type, row.default, row.description].map(text => text.replaceAll('|', '\\|'))
    return `| \`${row.name}\` | ${cells.join(' | ')} |`
  })
  const head = ['| variable | type | default | meaning |', '| --- | --- | --- | --- |']
  return [...head, ...rows].join('\n')
}
