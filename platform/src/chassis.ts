import type { Static } from 'typebox'
import { type Cache, createCache } from './data/cache.ts'
import { createPostgres, type Postgres } from './data/postgres.ts'
import { createRedis, type Redis } from './data/redis.ts'
import type { ConsumerDefinition } from './events/consumer.ts'
import { createEffectsWorker, type EffectKind } from './events/effects.ts'
import { createKafka, type Kafka } from './events/kafka.ts'
import { createRelay } from './events/relay.ts'
import { createRuntime } from './events/runtime.ts'
import { createHost, type Host } from './host.ts'
import { housekeepingJobs } from './housekeeping.ts'
import { createVerifier } from './http/auth.ts'
import type { RateLimitSettings } from './http/rate-limit.ts'
import { type App, createServer } from './http/server.ts'
import type { ServiceConfig } from './process/config.ts'
import { type Job, startJobs } from './process/jobs.ts'
import type { Service } from './process/lifecycle.ts'
import { type FollowedRevocations, followRevocations } from './revocations.ts'

/** Everything a service has that is not its business. */
export interface Chassis extends Host {
  readonly postgres: Postgres
  readonly kafka: Kafka
  readonly redis: Redis
  readonly cache: Cache
  /** Routes are registered here, as plugins. */
  readonly app: App
  /** For what outlives the check of its request, e.g. a stream. */
  readonly isRevoked: FollowedRevocations['isRevoked']
  /** What the service does besides answering requests; to be called once, at the end. */
  run(work: Work): Service & { readonly app: App }
}

/** The parts of a service that run by themselves. */
export interface Work {
  readonly consumers?: readonly ConsumerDefinition[]
  readonly effects?: readonly EffectKind[]
  readonly jobs?: readonly Job[]
}

/**
 * Builds the chassis of a service. Nothing connects and nothing listens before `start`.
 *
 * Start: relay, effects, consumers, jobs, then the HTTP port. None of them needs its dependencies to
 * be there: a process starts without Postgres, Kafka and Redis, says so on `/readyz` and recovers
 * alone. Stop: not ready, HTTP drain, consumers leave their group, relay gives its lanes back, then
 * the connections; a crash at any point is safe too.
 */
export function createChassis(options: {
  readonly service: string
  readonly config: Readonly<Static<typeof ServiceConfig>>
  /** Named limits of routes; see `http/rate-limit.ts`. */
  readonly rateLimits?: RateLimitSettings['policies']
}): Chassis {
  const { service, config } = options
  const host = createHost(service, config)
  const { logger, metrics, clock, health, lifecycle } = host
  const postgres = createPostgres({
    url: config.DATABASE_URL,
    max: config.DATABASE_POOL_MAX,
    applicationName: `campus-${service}`,
    onError: error => logger.warn({ err: error }, 'idle database connection lost'),
  })
  const kafka = createKafka({
    brokers: config.KAFKA_BROKERS.split(','),
    clientId: `campus-${service}`,
    topicPrefix: config.KAFKA_TOPIC_PREFIX,
    logger,
  })
  const redis = createRedis(config.REDIS_URL)
  const revocations = followRevocations({ ...host, kafka })
  const app = createServer({
    service,
    logger,
    metrics,
    publicUrl: config.PUBLIC_URL,
    maxEventLoopDelayMs: config.MAX_EVENT_LOOP_DELAY_MS,
    // The gateway is the one proxy in front of a service.
    trustedProxies: 1,
    auth: createVerifier({
      jwksUrl: config.JWKS_URL,
      isRevoked: user => revocations.isRevoked(user),
    }),
    ...(options.rateLimits !== undefined && { rateLimit: { redis, policies: options.rateLimits } }),
  })
  health.register('postgres', async () => {
    await postgres.ping()
    return true
  })

  function run({ consumers = [], effects = [], jobs = [] }: Work) {
    const parts = { postgres, kafka, service, clock, logger, metrics }
    const relay = createRelay(parts)
    const worker = createEffectsWorker({ ...parts, kinds: effects })
    const inboxDays = config.INBOX_RETENTION_DAYS
    const runtime = createRuntime({
      ...parts,
      consumers,
      inboxDays,
      onCrash: error => host.crash(error),
    })
    let stopJobs = async (): Promise<void> => Promise.resolve()
    health.register('consumers', () => runtime.isRunning() || 'not a member of its groups yet')

    lifecycle.onStart('revocations', () => revocations.start())
    lifecycle.onStart('relay', () => relay.start())
    lifecycle.onStart('effects', () => worker.start())
    lifecycle.onStart('consumers', () => runtime.start())
    lifecycle.onStart('jobs', () => {
      const running = startJobs([...housekeepingJobs(postgres, { inboxDays }), ...jobs], {
        logger,
        metrics,
        clock,
      })
      stopJobs = () => running.stop()
    })
    lifecycle.onStart('http', async () => {
      await app.listen({ host: config.HOST, port: config.PORT })
    })
    lifecycle.onStop('http', () => app.close())
    lifecycle.onStop('consumers', () => runtime.stop())
    lifecycle.onStop('jobs', () => stopJobs())
    lifecycle.onStop('effects', () => worker.stop())
    lifecycle.onStop('relay', () => relay.stop())
    lifecycle.onStop('revocations', () => revocations.stop())
    lifecycle.onStop('connections', async () => {
      redis.disconnect()
      await Promise.all([kafka.close(), postgres.close()])
    })
    return { app, start: () => host.start(), stop: () => host.stop() }
  }

  return {
    ...host,
    postgres,
    kafka,
    redis,
    cache: createCache({ redis, service, metrics }),
    app,
    isRevoked: token => revocations.isRevoked(token),
    run,
  }
}
