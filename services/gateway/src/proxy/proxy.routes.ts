import { prefixes, serviceNames } from '@campus/contracts/prefixes'
import { AppError, chassis } from '@campus/platform/errors'
import type { App, FastifyReply } from '@campus/platform/http/server'
import { type FastifyReplyFromHooks, fastifyReplyFrom } from '@fastify/reply-from'
import { Agent } from 'undici'
import { limitBody, tooLarge } from '../body-limit.ts'
import type { CookieMode } from '../cookie-mode.ts'
import { refuse } from '../errors.ts'
import type { UpstreamGuard } from '../upstream-guards.ts'
import { answer } from './answer.ts'
import { toClient, toUpstream } from './headers.ts'
import { isPlainPath } from './path.ts'
import { sessionRoutes } from './session.routes.ts'
import type { Upstream } from './upstream.ts'

const methods = ['DELETE', 'GET', 'HEAD', 'OPTIONS', 'PATCH', 'POST', 'PUT'] as const

const anyQuery = { type: 'object', additionalProperties: true }

/**
 * Prefixes where a token is not looked at: a client that signs in or renews its session may still
 * send the token that has expired.
 */
const withoutToken: ReadonlySet<string> = new Set(['/v1/auth', '/.well-known'])

/** Event streams. Each holds a connection for as long as its reader stays. */
const streams: readonly { readonly service: Upstream; readonly url: string }[] = [
  { service: 'notifications', url: '/v1/me/notifications/stream' },
  { service: 'orders', url: '/v1/orders/:orderId/stream' },
]

/** Connections to one service: for requests, and beside them for streams. */
const connectionsMax = { requests: 128, streams: 4_096 }

/** A service that does not accept a connection by then is down. */
const connectMs = 750

interface Options {
  readonly urls: Readonly<Record<Upstream, string>>
  readonly timeoutMs: number
  /** Longest body that any service takes. */
  readonly bodyBytesMax: number
  readonly guardOf: (service: Upstream) => UpstreamGuard
  /** Absent when sessions in cookies are switched off. */
  readonly cookieMode?: CookieMode | undefined
}

/**
 * Forwards every public prefix to the service that owns it. Bodies stream through unread; whatever a
 * service answers, problem documents included, passes unchanged.
 */
export function proxyRoutes(options: Options) {
  return async (app: App): Promise<void> => {
    app.register(requestRoutes(options))
    app.register(streamRoutes(options))
  }
}

/** Event streams have connections of their own: readers who stay must not keep others out. */
function streamRoutes(options: Options) {
  return async (app: App): Promise<void> => {
    await connectUpstreams(app, connectionsMax.streams, options)
    for (const { service, url } of streams) {
      const guard = options.guardOf(service)
      const forwarding: FastifyReplyFromHooks = {
        ...forwardingTo(options.urls[service], guard),
        onResponse: (request, reply, { stream }) => {
          // A stream does not end by itself, and the server waits for it when it stops.
          const end = () => {
            stream.unpipe(reply.raw)
            reply.raw.end()
          }
          request.server.stopping.addEventListener('abort', end, { once: true })
          reply.raw.once('close', () => request.server.stopping.removeEventListener('abort', end))
          reply.send(stream)
        },
      }
      app.get(
        url,
        {
          exposeHeadRoute: false,
          schema: { hide: true, querystring: anyQuery },
          config: { access: 'optional', longLived: true },
        },
        async (_request, reply) => {
          guard.enter()
          // Readers stay: only while they wait for the first word do they count.
          guard.leave()
          return reply.from(undefined, forwarding)
        },
      )
    }
  }
}

async function connectUpstreams(
  app: App,
  connections: number,
  { timeoutMs }: Options,
): Promise<void> {
  const agent = new Agent({
    connections,
    pipelining: 1,
    // Shorter than the services keep a connection, so that no request meets one that is closing.
    keepAliveTimeout: 30_000,
    keepAliveMaxTimeout: 60_000,
    headersTimeout: timeoutMs,
    bodyTimeout: 0,
    connect: { timeout: connectMs, rejectUnauthorized: true },
  })
  await app.register(fastifyReplyFrom, {
    undici: agent,
    disableCache: true,
    disableRequestLogging: true,
    retryMethods: ['GET', 'HEAD'],
  })
  app.addHook('onClose', () => agent.close())
}

function requestRoutes(options: Options) {
  return async (app: App): Promise<void> => {
    await connectUpstreams(app, connectionsMax.requests, options)
    app.removeAllContentTypeParsers()
    // The services read bodies; here they are only passed on.
    app.addContentTypeParser('*', ({ headers }, payload, done) => {
      const { 'content-length': length } = headers
      if (length === undefined) {
        done(null, limitBody(payload, options.bodyBytesMax))
      } else if (Number(length) > options.bodyBytesMax) done(tooLarge())
      else done(null, payload)
    })
    app.addHook('onRequest', (request, _reply, done) => {
      const [path = ''] = request.raw.url?.split('?', 1) ?? []
      done(isPlainPath(path) ? undefined : new AppError([chassis.notFound()]))
    })

    for (const service of serviceNames) {
      if (service === 'gateway') continue
      const guard = options.guardOf(service)
      const forwarding = forwardingTo(options.urls[service], guard)
      if (service === 'users') {
        const { cookieMode: mode } = options
        sessionRoutes(app, { mode, forwarding, enter: reply => enter(guard, reply) })
      }
      for (const prefix of prefixes[service]) {
        const access = withoutToken.has(prefix) ? 'public' : 'optional'
        for (const url of [prefix, `${prefix}/*`]) {
          app.route({
            method: [...methods],
            url,
            exposeHeadRoute: false,
            schema: { hide: true, querystring: anyQuery },
            config: { access },
            handler: async (_request, reply) => {
              enter(guard, reply)
              return reply.from(undefined, forwarding)
            },
          })
        }
      }
    }
  }
}

/** Counts a request as waiting for its service until its answer is complete or nobody waits for it. */
function enter(guard: UpstreamGuard, reply: FastifyReply): void {
  guard.enter()
  reply.raw.once('close', () => guard.leave())
}

/** How requests to `upstream` are forwarded; made once, because every request needs it. */
function forwardingTo(upstream: string, guard: UpstreamGuard): FastifyReplyFromHooks {
  return {
    getUpstream: () => upstream,
    rewriteRequestHeaders: (request, headers) => toUpstream(headers, request),
    rewriteHeaders: headers => {
      // Called for every answer, also when its client has gone.
      guard.answered()
      return toClient(headers)
    },
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
      // The body was too long for us.
      if (error.cause instanceof AppError) {
        failed.send(error.cause)
        return
      }
      guard.failed(error)
      const isLate = Reflect.get(error, 'statusCode') === 504
      const reason = isLate ? refuse.upstream_timeout() : refuse.upstream_down()
      failed.send(new AppError([reason], { cause: error, headers: { 'retry-after': '1' } }))
    },
  }
}
