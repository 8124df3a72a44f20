import type { App } from '@campus/platform/http/server'

/** Request headers that pages of listed origins may set. */
const allowedHeaders = [
  'authorization',
  'content-type',
  'idempotency-key',
  'if-match',
  'if-none-match',
  'last-event-id',
  'prefer',
  'x-cart-token',
  'x-correlation-id',
  'x-request-id',
].join(', ')

/** Answer headers that they may read beside those that every page may. */
const exposedHeaders = [
  'etag',
  'idempotent-replayed',
  'location',
  'ratelimit',
  'ratelimit-policy',
  'retry-after',
  'trace-id',
  'x-request-id',
].join(', ')

const preflight = {
  'access-control-allow-methods': 'GET, HEAD, POST, PUT, PATCH, DELETE',
  'access-control-allow-headers': allowedHeaders,
  'access-control-max-age': '600',
}

/**
 * Lets pages of `origins` call the API, and answers preflights before anything else looks at them.
 *
 * Credentials are never allowed: pages of other origins send a bearer token, cookies are for pages of
 * the gateway's own origin.
 *
 * @see https://fetch.spec.whatwg.org/#http-cors-protocol
 */
export function allowOrigins(app: App, origins: ReadonlySet<string>): void {
  app.addHook('onRequest', (request, reply, done) => {
    const { origin, 'access-control-request-method': asked } = request.headers
    reply.header('vary', 'Origin')
    const isAllowed = origin !== undefined && origins.has(origin)
    if (isAllowed) {
      reply.headers({
        'access-control-allow-origin': origin,
        'access-control-expose-headers': exposedHeaders,
      })
    }
    if (request.method === 'OPTIONS' && asked !== undefined) {
      if (isAllowed) reply.headers(preflight)
      reply.code(204).send()
    } else done()
  })
}
