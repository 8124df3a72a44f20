import type { FastifyInstance, FastifyRequest } from 'fastify'
import { AppError, chassis, invalid } from '../errors.ts'
import { parseJson } from './json.ts'

/**
 * Refuses what no route of ours takes, and makes JSON the only body: a route that takes CSV or bytes
 * adds its own parser, inside its plugin.
 */
export function guardInput(app: FastifyInstance): void {
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('application/json', { parseAs: 'buffer' }, (_request, body, done) => {
    try {
      done(null, parseJson(Buffer.isBuffer(body) ? body : Buffer.from(body)))
    } catch (error) {
      done(error instanceof Error ? error : null)
    }
  })

  app.addHook('onRequest', (request, _reply, done) => {
    done(protocolFault(request))
  })

  app.addHook('preValidation', (request, _reply, done) => {
    const { body } = request
    const isUnasked = body !== undefined && body !== null && hasMembers(body)
    if (isUnasked && request.routeOptions.schema?.body === undefined) {
      done(invalid([{ pointer: '#', code: 'body_unexpected' }]))
    } else done()
  })
}

function protocolFault(request: FastifyRequest): AppError | undefined {
  const { headers, raw } = request
  // The check that Node would answer without a body. HTTP/1.0 has no Host.
  if (headers.host === undefined && raw.httpVersion !== '1.0') {
    return new AppError([chassis.malformed()])
  }
  // NUL passes through the decoders of paths and queries, and Postgres refuses it as text.
  if (raw.url?.includes('%00') === true) return new AppError([chassis.malformed()])
  // Nothing is ever decompressed, so a parser must not see it.
  const encoding = headers['content-encoding']
  if (encoding !== undefined && encoding !== 'identity') {
    return new AppError([chassis.mediaTypeUnsupported()])
  }
  return undefined
}

/** Whether a parsed JSON body says anything; streams and buffers of other parsers are not ours. */
function hasMembers(body: unknown): boolean {
  if (typeof body !== 'object' || body === null) return typeof body !== 'string'
  const prototype: unknown = Object.getPrototypeOf(body)
  const isJson = prototype === Object.prototype || prototype === Array.prototype
  return isJson && Object.keys(body).length > 0
}
