import { prefixes, serviceNames } from '@campus/contracts/prefixes'
import { AppError, chassis } from '@campus/platform/errors'
import type { App } from '@campus/platform/http/server'
import { type FastifyReplyFromHooks, fastifyReplyFrom } from '@fastify/reply-from'
import { Agent } from 'undici'
import { refuse } from '../errors.ts'
import { answer } from './answer.ts'
import { toClient, toUpstream } from './headers.ts'
import { isPlainPath } from './path.ts'
import type { Upstream } from './upstream.ts'

const methods = ['DELETE', 'GET', 'HEAD', 'OPTIONS', 'PATCH', 'POST', 'PUT'] as const

/**
 * Prefixes where a token is not looked at: a client that signs in or renews its session may still
 * send the token that has expired.
 */
const withoutToken: ReadonlySet<string> = new Set(['/v1/auth', '/.well-known'])

/**
 * Forwards every public prefix to the service that owns it. Bodies stream through unread; whatever a
 * service answers, problem documents included, passes unchanged.
 */
export function proxyRoutes(options: {
  readonly urls: Readonly<Record<Upstream, string>>
  readonly timeoutMs: number
}) {
  const agent = new Agent({
    connections: 128,
    pipelining: 1,
    // Shorter than the services keep a connection, so that no request meets one that is closing.
    keepAliveTimeout: 30_000,
    keepAliveMaxTimeout: 60_000,
    headersTimeout: options.timeoutMs,
    bodyTimeout: 0,
    connect: { timeout: 1_000, rejectUnauthorized: true },
  })

  return async (app: App): Promise<void> => {
    await app.register(fastifyReplyFrom, {
      undici: agent,
      disableCache: true,
      disableRequestLogging: true,
      retryMethods: ['GET', 'HEAD'],
    })
    app.addHook('onClose', () => agent.close())
    app.removeAllContentTypeParsers()
    // The services read bodies; here they are only passed on.
    app.addContentTypeParser('*', (_request, payload, done) => {
      done(null, payload)
    })
    app.addHook('onRequest', (request, _reply, done) => {
      const [path = ''] = request.raw.url?.split('?', 1) ?? []
      done(isPlainPath(path) ? undefined : new AppError([chassis.notFound()]))
    })

    for (const service of serviceNames) {
      if (service === 'gateway') continue
      const forwarding = forwardingTo(options.urls[service])
      for (const prefix of prefixes[service]) {
        const access = withoutToken.has(prefix) ? 'public' : 'optional'
        for (const url of [prefix, `${prefix}/*`]) {
          app.route({
            method: [...methods],
            url,
            exposeHeadRoute: false,
            schema: { hide: true, querystring: { type: 'object', additionalProperties: true } },
            config: { access },
            handler: async (_request, reply) => reply.from(undefined, forwarding),
          })
        }
      }
    }
  }
}

/** How requests to `upstream` are forwarded; made once, because every request needs it. */
function forwardingTo(upstream: string): FastifyReplyFromHooks {
  return {
    getUpstream: () => upstream,
    rewriteRequestHeaders: (request, headers) => toUpstream(headers, request),
    rewriteHeaders: toClient,
    onResponse: (_request, reply, { stream }) => answer(reply, stream),
    retriesCount: 1,
    // Once, and only when a kept connection turned out to be closed. The library's own rule would
    // repeat whatever answers 503.
    retryDelay: ({ err, req, attempt }) => {
      const isIdle = Reflect.get(Object(err), 'code') === 'UND_ERR_SOCKET'
      const isSafe = req.method === 'GET' || req.method === 'HEAD'
      return isIdle && isSafe && attempt === 0 ? 1 : null
    },
    onError: (failed, { error }) => {
      const isLate = Reflect.get(error, 'statusCode') === 504
      const reason = isLate ? refuse.upstream_timeout() : refuse.upstream_down()
      failed.send(new AppError([reason], { cause: error, headers: { 'retry-after': '1' } }))
    },
  }
}
