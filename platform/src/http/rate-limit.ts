import {
  type FastifyRateLimitStore,
  type FastifyRateLimitStoreCtor,
  fastifyRateLimit,
  normalizeIP,
} from '@fastify/rate-limit'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { Redis } from '../data/redis.ts'
import { AppError, chassis } from '../errors.ts'
import type { Metrics } from '../process/metrics.ts'
import { createSlidingLog, type SlidingLog, type Taken } from './sliding-log.ts'

/** How many requests one caller may make. */
export interface RatePolicy {
  /** Requests in any window. */
  readonly max: number
  readonly windowSeconds: number
  /** Whom it counts: `user` falls back to the address without a user. By default `user`. */
  readonly by?: 'user' | 'address'
}

/** What limits the requests of a server. */
export interface RateLimitSettings {
  readonly redis: Redis
  readonly policies: Readonly<Record<string, RatePolicy>>
  /** The policy of every request, also where no route is; a route may add one of its own. */
  readonly policyOf?: (request: FastifyRequest) => string | undefined
  /** Keeps the counts of services apart; replicas of one service share them. */
  readonly namespace?: string
}

/** Limits that a handler applies itself, to something that only it knows. */
export interface Limits {
  /**
   * Counts one request of `key`, e.g. the hash of the account that someone logs in to.
   *
   * @throws AppError `request.rate_limited` 429 when there was no quota left
   */
  take(policy: string, key: string, reply: FastifyReply): Promise<void>
}

declare module '@fastify/rate-limit' {
  interface RateLimitOptions {
    /** Name of a policy. */
    policy?: string
  }
}

declare module 'fastify' {
  interface FastifyInstance {
    /** Present on servers with rate limits. */
    readonly limits: Limits
  }
}

/**
 * Limits requests by exact sliding windows that all replicas share; without Redis each replica counts
 * for itself.
 *
 * A route names its policy as `config: { rateLimit: { policy: 'checkout' } }`, or `false` for none.
 * Preflights use no quota.
 */
export function rateLimit(
  app: FastifyInstance,
  settings: RateLimitSettings & { readonly metrics: Metrics },
): void {
  const { metrics, policies } = settings
  const refused = metrics.counter('rate_limit_refused_total', 'Requests answered 429.', ['policy'])
  const log = createSlidingLog(settings)

  function show(name: string, { max, windowSeconds }: RatePolicy, usage: Usage): void {
    const { reply } = usage
    const seconds = Math.max(1, Math.ceil(usage.resetMs / 1_000))
    append(reply, 'ratelimit-policy', `"${name}";q=${max};w=${windowSeconds}`)
    append(reply, 'ratelimit', `"${name}";r=${usage.remaining};t=${seconds}`)
    if (usage.isAllowed) return
    refused.inc({ policy: name })
    throw new AppError([chassis.rateLimited()], { headers: { 'retry-after': String(seconds) } })
  }

  function policyNamed(name: string): RatePolicy {
    const policy = policies[name]
    if (policy === undefined) throw new TypeError(`There is no rate policy ${name}.`)
    return policy
  }

  app.decorate('limits', {
    async take(name: string, key: string, reply: FastifyReply) {
      const policy = policyNamed(name)
      const taken = await log.take(`${name}:${key}`, policy.max, policy.windowSeconds * 1_000)
      show(name, policy, { ...taken, reply })
    },
  })

  const limiters = new Map<string, ReturnType<FastifyInstance['createRateLimit']>>()
  // The plugin gets a scope without routes: it would read their policies as settings of its own.
  app.register(async scope => {
    await scope.register(fastifyRateLimit, { global: false, store: storeOver(log) })
    for (const [name, policy] of Object.entries(policies)) {
      const limiter = scope.createRateLimit({
        max: policy.max,
        timeWindow: policy.windowSeconds * 1_000,
        keyGenerator: request => `${name}:${callerOf(request, policy)}`,
      })
      limiters.set(name, limiter)
    }
  })
  app.addHook('onRoute', ({ config }) => {
    if (typeof config?.rateLimit === 'object') policyNamed(config.rateLimit.policy ?? '')
  })

  // After the access check, because users are counted by their id, and before the body is read.
  app.addHook('preParsing', async (request, reply) => {
    if (isPreflight(request)) return
    const { rateLimit: own } = request.routeOptions.config
    if (own === false) return
    for (const name of new Set([settings.policyOf?.(request), own?.policy])) {
      if (name === undefined) continue
      const policy = policyNamed(name)
      // oxlint-disable-next-line no-await-in-loop -- a refused request takes no further quota.
      const taken = await limiters.get(name)?.(request)
      if (taken === undefined || taken.isAllowed) continue
      show(name, policy, {
        reply,
        isAllowed: !taken.isExceeded,
        remaining: taken.remaining,
        resetMs: taken.ttl,
      })
    }
  })
}

interface Usage extends Taken {
  readonly reply: FastifyReply
}

/** Several policies may apply to one request; each is a member of the same list. */
function append(reply: FastifyReply, name: string, member: string): void {
  const before = reply.getHeader(name)
  reply.header(name, before === undefined ? member : `${String(before)}, ${member}`)
}

/** A preflight has no user and is no use of anything. */
function isPreflight({ method, headers }: FastifyRequest): boolean {
  return method === 'OPTIONS' && headers['access-control-request-method'] !== undefined
}

/** IPv6 callers own a /64, so that is what is counted. */
function callerOf({ user, ip }: FastifyRequest, { by }: RatePolicy): string {
  const userId = by === 'address' ? undefined : user?.userId
  if (userId !== undefined) return `user:${userId}`
  return `ip:${ip.includes(':') ? normalizeIP(ip, 64) : ip}`
}

/** The sliding log in the shape that the plugin asks for; it never fails. */
function storeOver(log: SlidingLog): FastifyRateLimitStoreCtor {
  return class SlidingLogStore implements FastifyRateLimitStore {
    incr(key: string, callback: IncrCallback, windowMs: number, max: number): void {
      void report(log.take(key, max, windowMs), max, callback)
    }
    child(): FastifyRateLimitStore {
      return this
    }
  }
}

async function report(log: Promise<Taken>, max: number, callback: IncrCallback): Promise<void> {
  const { isAllowed, remaining, resetMs } = await log
  callback(null, { current: isAllowed ? max - remaining : max + 1, ttl: resetMs })
}

type IncrCallback = Parameters<FastifyRateLimitStore['incr']>[1]
