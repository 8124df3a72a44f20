import { createRedis } from '@campus/platform/data/redis'
import { createKafka } from '@campus/platform/events/kafka'
import { createHost } from '@campus/platform/host'
import { createVerifier } from '@campus/platform/http/auth'
import { createServer } from '@campus/platform/http/server'
import { followRevocations } from '@campus/platform/revocations'
import type { Config } from './config.ts'
import { docsRoutes } from './docs/docs.routes.ts'
import { proxyRoutes } from './proxy/proxy.routes.ts'

const version = '0.1.0'

/** Composes the gateway; nothing connects before `start`. */
export function buildService(config: Config) {
  const host = createHost('gateway', config)
  const { logger, metrics, lifecycle } = host
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
    maxInFlight: 2_048,
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
  app.register(docsRoutes({ urls, publicUrl: config.PUBLIC_URL, version }))
  app.register(proxyRoutes({ urls, timeoutMs: config.UPSTREAM_TIMEOUT_MS }))

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
