import type { FastifyError, FastifySchemaValidationError } from 'fastify'
import { isDependencyFailure } from '../data/dependency.ts'
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
