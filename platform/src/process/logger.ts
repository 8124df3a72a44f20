import { isatty } from 'node:tty'
import { type Logger, pino } from 'pino'
import { currentFlow } from './flow.ts'

export type { Logger } from 'pino'

/** Where lines go; a test passes its own. */
export interface LogTarget {
  write(line: string): void
}

// Names of fields whose values never appear, at the top of a line and one or two levels below.
const secretFields = [
  'password',
  'newPassword',
  'currentPassword',
  'passwordHash',
  'secret',
  'token',
  'accessToken',
  'refreshToken',
  'authorization',
  'cookie',
  'email',
  'idempotencyKey',
  '["set-cookie"]',
  '["proxy-authorization"]',
  '["idempotency-key"]',
]

const redactPaths = secretFields.flatMap(field => {
  const below = field.startsWith('[') ? field : `.${field}`
  return [field, `*${below}`, `*.*${below}`]
})

/**
 * The log of a process: one JSON object per line, UTC; readable lines when stdout is a terminal.
 *
 * Every line carries the ids of the flow it belongs to. JSON escapes CR, LF and escape characters,
 * so no input can forge a line or colour a terminal.
 */
export function createLogger(options: {
  readonly service: string
  readonly level: string
  readonly target?: LogTarget
}): Logger {
  const target =
    options.target ?? (isatty(1) ? terminal(process.stdout) : pino.destination({ fd: 1 }))
  return pino(
    {
      level: options.level,
      base: { service: options.service },
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: label => ({ level: label }) },
      redact: { paths: redactPaths, censor: '[redacted]' },
      serializers: { err: describeError, error: describeError },
      mixin: flowFields,
    },
    target,
  )
}

function flowFields(): object {
  const flow = currentFlow()
  if (flow === undefined) return {}
  return {
    requestId: flow.causationId,
    correlationId: flow.correlationId,
    // The trace id is the second of the four parts of a traceparent.
    traceId: flow.traceparent.slice(3, 35),
  }
}

/** What a line says of an error. */
export interface ErrorFields {
  readonly type: string
  readonly message: string
  readonly code?: string
  readonly stack?: string
  readonly cause?: ErrorFields
}

const depthMax = 5

/**
 * Names an error without its data: a Postgres `detail` holds the values of a row, and drizzle puts
 * the parameters of a query into the message. Both may be personal.
 */
export function describeError(error: unknown, depth = 0): ErrorFields {
  if (!(error instanceof Error)) return { type: typeof error, message: 'not an Error' }
  const code: unknown = Reflect.get(error, 'code')
  const message = messageOf(error)
  // Only the frames: the head of a stack repeats the message.
  const frames = error.stack?.split('\n').filter(line => line.startsWith('    at ')) ?? []
  return {
    type: error.constructor.name,
    message,
    ...(typeof code === 'string' && { code }),
    ...(frames.length > 0 && { stack: [message, ...frames].join('\n') }),
    ...(error.cause !== undefined &&
      depth < depthMax && { cause: describeError(error.cause, depth + 1) }),
  }
}

function messageOf(error: Error): string {
  const query: unknown = Reflect.get(error, 'query')
  const hasParams: boolean = Reflect.has(error, 'params')
  return hasParams && typeof query === 'string' ? `Failed query: ${query}` : error.message
}

/** What a formatted line takes from a JSON line; everything else becomes key=value. */
interface Line {
  readonly time?: string
  readonly level?: string
  readonly service?: string
  readonly msg?: string
  readonly err?: ErrorFields
  readonly [field: string]: unknown
}

/** Readable lines for a person at a terminal: no dependency, and still one line per event. */
function terminal(stream: LogTarget): LogTarget {
  return {
    write(line) {
      stream.write(formatLine(line))
    },
  }
}

/** One JSON line as `time LEVEL service message key=value`, with the stack of an error below it. */
export function formatLine(json: string): string {
  const line: Line = JSON.parse(json)
  const { time = '', level = '', service = '', msg = '', err, ...rest } = line
  const words = [
    time.slice(11, 23),
    level.toUpperCase().padEnd(5),
    service,
    printable(msg),
    ...Object.entries(rest).map(([name, value]) => printable(`${name}=${JSON.stringify(value)}`)),
  ]
  const frames = err?.stack?.split('\n').map(frame => `    ${printable(frame.trim())}\n`) ?? []
  return `${words.join(' ')}\n${frames.join('')}`
}

/** Control characters as `\u001b`: a terminal must not obey what a client has sent. */
function printable(text: string): string {
  return text.replaceAll(/\p{Cc}/gu, character => {
    return `\\u${(character.codePointAt(0) ?? 0).toString(16).padStart(4, '0')}`
  })
}
