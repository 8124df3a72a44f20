import type { IncomingMessage, RequestListener, Server, ServerResponse } from 'node:http'
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import { fastifyUnderPressure } from '@fastify/under-pressure'
import {
  type FastifyBaseLogger,
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
  fastify,
  LogController,
} from 'fastify'
import { type AppError, chassis } from '../errors.ts'
import { newTraceparent, withFlow } from '../process/flow.ts'
import type { Logger } from '../process/logger.ts'
import type { Metrics } from '../process/metrics.ts'
import { auth, type Verifier } from './auth.ts'
import { toAppError } from './failure.ts'
import { requestIdOf } from './identity.ts'
import { guardInput } from './input.ts'
import { overloaded, watchRequests } from './lifetime.ts'
import { openapi } from './openapi.ts'
import { problemType, renderProblem } from './problem.ts'
import { answerClientError, answerOddities, safeHeaders } from './protocol.ts'
import { type RateLimitSettings, rateLimit } from './rate-limit.ts'
import { guardRoutes } from './routes.ts'
import { type Certificate, createSecureServer } from './tls.ts'

export type { FastifyReply, FastifyRequest } from 'fastify'

/** The HTTP server of a service; TypeBox schemas type its requests and answers. */
export type App = FastifyInstance<
  Server,
  IncomingMessage,
  ServerResponse,
  FastifyBaseLogger,
  TypeBoxTypeProvider
>

declare module 'fastify' {
  interface FastifyInstance {
    /** Aborted when the server begins to stop: event streams and held requests end on it. */
    readonly stopping: AbortSignal
    /** Base of the `type` of problem documents. */
    readonly publicUrl: string
  }
}

/** What a server is made of; everything but the first three has a default. */
export interface ServerOptions {
  readonly service: string
  readonly logger: Logger
  readonly metrics: Metrics
  /** Without it every route must be public. */
  readonly auth?: Verifier
  readonly rateLimit?: RateLimitSettings
  readonly version?: string
  /** Base of the `type` of problems, e.g. `https://campus.example`. */
  readonly publicUrl?: string
  /** Requests answered at the same time; more are shed with 503. */
  readonly maxInFlight?: number
  /** Mean delay of the event loop beyond which requests are shed; 0 switches it off. */
  readonly maxEventLoopDelayMs?: number
  /** Largest body; a route may set its own `bodyLimit`. */
  readonly bodyBytesMax?: number
  /** A request that has not arrived completely by then is answered 408. */
  readonly requestTimeoutMs?: number
  /** Proxies in front of this process whose `x-forwarded-for` is believed, exactly. */
  readonly trustedProxies?: number
  /** With it the server speaks HTTPS, TLS 1.2 or newer; without it HTTP. */
  readonly tls?: Certificate
}

/**
 * Creates the server of a service: strict input, RFC 9457 for every error, ids and flow per request,
 * metrics, access checks, OpenAPI 3.1 at `GET /openapi.json`.
 *
 * Routes are registered in plugins (`app.register(routes)`) and declare `config.access`.
 *
 * @see https://fastify.dev/docs/latest/Reference/Server/
 */
export function createServer(options: ServerOptions): App {
  const { logger, metrics, publicUrl = '' } = options
  const requestTimeout = options.requestTimeoutMs ?? 20_000
  const trusted = options.trustedProxies ?? 0
  const loggerInstance: FastifyBaseLogger = logger
  const stopping = new AbortController()
  const limits = {
    // Longer than the idle time of usual load balancers (60 s), so that they close first.
    keepAliveTimeout: 65_000,
    connectionTimeout: 120_000,
    requestTimeout,
    // Connections move on now and then, so that a new replica gets its share.
    maxRequestsPerSocket: 10_000,
  }
  const http = {
    headersTimeout: Math.min(10_000, requestTimeout),
    // By default Node looks for slow requests every 30 s only.
    connectionsCheckingInterval: Math.min(2_000, requestTimeout / 2),
    maxHeaderSize: 16_384,
    // Ours answers with a problem document instead.
    requireHostHeader: false,
  }
  const { tls } = options

  const app = fastify({
    loggerInstance,
    // The mixin of the logger adds the ids, so no request needs a logger of its own.
    childLoggerFactory: parent => parent,
    logController: new LogController({ disableRequestLogging: true }),
    genReqId: requestIdOf,
    requestIdHeader: false,
    trustProxy: (_address, hop) => hop < trusted,
    bodyLimit: options.bodyBytesMax ?? 262_144,
    ...limits,
    http,
    ...(tls !== undefined && {
      serverFactory: (handler: RequestListener) =>
        createSecureServer(handler, tls, { http, limits }),
    }),
    routerOptions: { maxParamLength: 255 },
    forceCloseConnections: 'idle',
    // During the drain a request that got in is answered, with `connection: close`.
    return503OnClosing: false,
    ajv: {
      // One wrong input is reported at a time: `allErrors` lets a client choose how much work it is.
      customOptions: { coerceTypes: false, removeAdditional: false, allErrors: false },
    },
    clientErrorHandler: (error, socket) => answerClientError(error, socket, publicUrl),
    frameworkErrors: (error, request, reply) => {
      // No hook has run for this request.
      reply.headers({
        ...safeHeaders,
        'x-request-id': request.id,
        'trace-id': newTraceparent().slice(3, 35),
      })
      send(toAppError(error), request.id, reply)
    },
  }).withTypeProvider<TypeBoxTypeProvider>()
  answerOddities(app.server, publicUrl)

  function send(error: AppError, requestId: string, reply: FastifyReply): void {
    reply
      .code(error.status)
      .headers(error.headers ?? {})
      .type(problemType)
      .send(renderProblem(error, { requestId, publicUrl }))
  }

  app.setErrorHandler((thrown, request, reply) => {
    const error = toAppError(thrown)
    logFailure(error, thrown, request, logger)
    send(error, request.id, reply)
  })

  app.decorate('publicUrl', publicUrl)
  app.decorate('stopping', stopping.signal)
  app.addHook('preClose', done => {
    stopping.abort()
    done()
  })

  if (tls !== undefined) {
    // Only over TLS: anybody on the way could have written it into plain HTTP.
    app.addHook('onRequest', (_request, reply, done) => {
      reply.header('strict-transport-security', 'max-age=31536000; includeSubDomains')
      done()
    })
  }
  watchRequests(app, { metrics, maxInFlight: options.maxInFlight ?? 512 })
  guardInput(app)
  if (options.auth !== undefined) auth(app, options.auth)
  if (options.rateLimit !== undefined) {
    rateLimit(app, { metrics, namespace: options.service, ...options.rateLimit })
  }
  // After the rate limits: they count paths where nothing is as well.
  guardRoutes(app, { hasAuth: options.auth !== undefined })
  const maxEventLoopDelay = options.maxEventLoopDelayMs ?? 1_000
  if (maxEventLoopDelay > 0) {
    app.register(fastifyUnderPressure, {
      maxEventLoopDelay,
      sampleInterval: 500,
      pressureHandler: async () => Promise.reject(overloaded()),
    })
  }
  openapi(app, { service: options.service, version: options.version ?? '0.0.0', publicUrl })
  return app
}

/** Bugs with their stack, broken dependencies as a warning, refusals only when debugging. */
function logFailure(
  error: AppError,
  thrown: unknown,
  request: FastifyRequest,
  logger: Logger,
): void {
  const { method } = request
  const route = request.routeOptions.url
  // A body that cannot be read fails outside the flow.
  withFlow(request.flow, () => {
    if (error.code === chassis.failed().code) {
      logger.error({ err: thrown, method, route }, 'request failed')
    } else if (error.status >= 500) {
      logger.warn({ err: error.cause, code: error.code, method, route }, 'request not served')
    } else logger.debug({ code: error.code, method, route }, 'request refused')
  })
}
