import { readFileSync } from 'node:fs'
import { createRedis } from '@campus/platform/data/redis'
import { createKafka } from '@campus/platform/events/kafka'
import { createHost } from '@campus/platform/host'
import { createVerifier } from '@campus/platform/http/auth'
import { createServer } from '@campus/platform/http/server'
import { followRevocations } from '@campus/platform/revocations'
import { acceptCookies } from './browser/cookie-identity.routes.ts'
import { allowOrigins } from './browser/cors.routes.ts'
import { parseOrigins } from './browser/origins.ts'
import type { Config } from './config.ts'
import { createCsrf } from './csrf.ts'
import { asyncApiRoutes } from './docs/asyncapi.routes.ts'
import { docsRoutes } from './docs/docs.routes.ts'
import { proxyRoutes } from './proxy/proxy.routes.ts'
import { createUpstreamGuards } from './upstream-guards.ts'

const version = '0.1.0'

/** Composes the gateway; nothing connects before `start`. */
export function buildService(config: Config) {
  const host = createHost('gateway', config)
  const { logger, metrics, lifecycle } = host
  const origins = parseOrigins(config.CORS_ORIGINS)
  const tls = certificateOf(config)
  const kafka = createKafka({
    brokers: config.KAFKA_BROKERS.split(','),
    clientId: 'campus-gateway',
    topicPrefix: config.KAFKA_TOPIC_PREFIX,
    logger,
  })
  const redis = createRedis(config.REDIS_URL)
  const revocations = followRevocations({ ...host, kafka })
  const urls = {
    users: config.USERS_URL,
    catalog: config.CATALOG_URL,
    orders: config.ORDERS_URL,
    payments: config.PAYMENTS_URL,
    notifications: config.NOTIFICATIONS_URL,
  }
  const app = createServer({
    service: 'gateway',
    version,
    logger,
    metrics,
    publicUrl: config.PUBLIC_URL,
    trustedProxies: config.TRUSTED_PROXIES,
    maxInFlight: config.REQUESTS_IN_FLIGHT_MAX,
    requestTimeoutMs: config.REQUEST_TIMEOUT_MS,
    ...(tls !== undefined && { tls }),
    maxEventLoopDelayMs: config.MAX_EVENT_LOOP_DELAY_MS,
    auth: createVerifier({
      jwksUrl: config.JWKS_URL,
      isRevoked: user => revocations.isRevoked(user),
    }),
    rateLimit: {
      redis,
      namespace: 'gateway',
      policies: {
        anonymous: { max: config.ANONYMOUS_PER_MINUTE, windowSeconds: 60, by: 'address' },
        'signed-in': { max: config.SIGNED_IN_PER_MINUTE, windowSeconds: 60, by: 'user' },
      },
      policyOf: request => (request.user === null ? 'anonymous' : 'signed-in'),
    },
  })
  // Before the routes, whose access checks look for a bearer token.
  allowOrigins(app, origins)
  const cookieMode = cookieModeOf(config, origins)
  if (cookieMode !== undefined) acceptCookies(app, cookieMode)
  app.register(docsRoutes({ urls, publicUrl: config.PUBLIC_URL, version }))
  app.register(asyncApiRoutes)
  app.register(
    proxyRoutes({
      urls,
      timeoutMs: config.UPSTREAM_TIMEOUT_MS,
      bodyBytesMax: config.BODY_BYTES_MAX,
      guardOf: createUpstreamGuards(host),
      cookieMode,
    }),
  )

  lifecycle.onStart('revocations', () => revocations.start())
  lifecycle.onStart('http', async () => {
    await app.listen({ host: config.HOST, port: config.PORT })
  })
  lifecycle.onStop('http', () => app.close())
  lifecycle.onStop('revocations', () => revocations.stop())
  lifecycle.onStop('connections', async () => {
    redis.disconnect()
    await kafka.close()
  })
  return { app, start: () => host.start(), stop: () => host.stop() }
}

/** @throws Error when one of the files is missing or cannot be read */
function certificateOf({ TLS_CERT, TLS_KEY }: Config) {
  if (TLS_CERT === '' && TLS_KEY === '') return undefined
  if (TLS_CERT === '' || TLS_KEY === '') throw new TypeError('TLS_CERT and TLS_KEY go together.')
  return { cert: readFileSync(TLS_CERT, 'utf8'), key: readFileSync(TLS_KEY, 'utf8') }
}

function cookieModeOf({ CSRF_SECRET, PUBLIC_URL }: Config, origins: ReadonlySet<string>) {
  if (CSRF_SECRET === undefined) return undefined
  return {
    csrf: createCsrf(CSRF_SECRET),
    origins: new Set([new URL(PUBLIC_URL).origin, ...origins]),
  }
}
