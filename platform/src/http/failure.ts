import type { FastifyError, FastifySchemaValidationError } from 'fastify'
import { AppError, chassis, type InputError, invalid, type Reason } from '../errors.ts'

/** Seconds after which a client may try again when a dependency is down. */
const dependencyRetrySeconds = 2

/**
 * What a client is told about anything that was thrown.
 *
 * A bug answers `server.failed`; its text never leaves the process.
 */
export function toAppError(error: unknown): AppError {
  if (error instanceof AppError) return error
  if (isDependencyFailure(error)) {
    return new AppError([chassis.dependencyDown()], {
      cause: error,
      headers: { 'retry-after': String(dependencyRetrySeconds) },
    })
  }
  if (isFastifyError(error)) {
    if (error.validation !== undefined) {
      return invalid(
        error.validation.map(fault => inputError(fault, error.validationContext ?? 'body')),
      )
    }
    const reason = reasonOfFramework(error)
    if (reason !== undefined) return new AppError([reason], { cause: error })
  }
  return new AppError([chassis.failed()], { cause: error })
}

function isFastifyError(error: unknown): error is FastifyError {
  return error instanceof Error && typeof Reflect.get(error, 'code') === 'string'
}

// The HTTP parts of Fastify that refuse before a route runs. Any other error of Fastify is our bug.
const reasonsOfFramework: ReadonlyMap<string, () => Reason> = new Map([
  ['FST_ERR_BAD_URL', chassis.malformed],
  ['FST_ERR_CTP_EMPTY_JSON_BODY', chassis.invalid],
  ['FST_ERR_CTP_INVALID_CONTENT_LENGTH', chassis.malformed],
  ['FST_ERR_CTP_BODY_TOO_LARGE', chassis.tooLarge],
  ['FST_ERR_CTP_INVALID_MEDIA_TYPE', chassis.mediaTypeUnsupported],
  ['FST_ERR_ROUTE_MISSING_CONTENT_TYPE', chassis.mediaTypeUnsupported],
  // No id of ours is that long, so nothing is there.
  ['FST_ERR_MAX_PARAM_LENGTH', chassis.notFound],
  ['FST_ERR_HANDLER_TIMEOUT', chassis.dependencyDown],
  // The client went away or sent less than it announced: nobody reads the answer.
  ['ECONNABORTED', chassis.malformed],
  ['ERR_STREAM_PREMATURE_CLOSE', chassis.malformed],
])

function reasonOfFramework(error: FastifyError): Reason | undefined {
  return reasonsOfFramework.get(error.code)?.()
}

const contextNames: Readonly<Record<string, string>> = {
  body: '',
  querystring: '/query',
  params: '/path',
  headers: '/headers',
}

function inputError(fault: FastifySchemaValidationError, context: string): InputError {
  const { params, keyword } = fault
  const name = [params['additionalProperty'], params['missingProperty']].find(
    property => typeof property === 'string',
  )
  const below = name === undefined ? '' : `/${escapePointer(name)}`
  return {
    pointer: `#${contextNames[context] ?? ''}${fault.instancePath}${below}`,
    code: keyword,
    ...(fault.message !== undefined && { message: fault.message }),
  }
}

/** @see https://www.rfc-editor.org/rfc/rfc6901#section-3 */
function escapePointer(name: string): string {
  return name.replaceAll('~', '~0').replaceAll('/', '~1')
}

const networkCodes = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EPIPE',
  'ETIMEDOUT',
  'UND_ERR_CONNECT_TIMEOUT',
  'UND_ERR_HEADERS_TIMEOUT',
  'UND_ERR_BODY_TIMEOUT',
  'UND_ERR_SOCKET',
])

/** Causes below an error that are looked at; a chain may close on itself. */
const causesMax = 5

// Drivers that give their time-outs and lost connections no code.
const clientFailures = [
  // pg and pg-pool
  /^timeout exceeded when trying to connect$/,
  /^Connection terminated/,
  /^Client has encountered a connection error/,
  // ioredis
  /^Stream isn't writeable and enableOfflineQueue options is false$/,
  /^Connection is closed\.$/,
  /^Command timed out$/,
  /^Reached the max retries per request limit/,
]

/**
 * Whether something this process depends on is down, too slow or out of capacity: the request may
 * succeed when it is sent again.
 */
export function isDependencyFailure(error: unknown, depth = 0): boolean {
  if (!(error instanceof Error) || depth > causesMax) return false
  const code: unknown = Reflect.get(error, 'code')
  if (typeof code === 'string' && (networkCodes.has(code) || isUnavailableState(code))) return true
  // An AbortSignal.timeout of a call that we made.
  if (error.name === 'TimeoutError') return true
  if (clientFailures.some(pattern => pattern.test(error.message))) return true
  return isDependencyFailure(error.cause, depth + 1)
}

/**
 * 08: connection exceptions, 53: no resources, 57014: statement timeout, 57P01 to 57P03: shutting
 * down or starting, 55P03: lock timeout, 40001 and 40P01: conflicts that outlived their retries.
 *
 * @see https://www.postgresql.org/docs/current/errcodes-appendix.html
 */
function isUnavailableState(state: string): boolean {
  return /^(08|53|57014$|57P0[123]$|55P03$|40001$|40P01$|25P03$)/.test(state)
}
