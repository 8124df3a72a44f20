import type { Clock } from '@campus/platform/clock'
import { AppError, chassis } from '@campus/platform/errors'
import type { Metrics } from '@campus/platform/process/metrics'
import { refuse } from './errors.ts'
import { type Breaker, createBreaker } from './proxy/breaker.ts'
import { type Upstream, upstreams } from './proxy/upstream.ts'

/** Requests that may wait for one service: a silent one must not use up the gateway for the others. */
const waitingMax = 512

/** Keeps what is wrong with one service away from the requests to all others. */
export interface UpstreamGuard {
  /**
   * Lets a request to the service in.
   *
   * @throws AppError `gateway.upstream_down` 502 while it is known to be down, `server.overloaded` 503
   * when too many requests wait for it
   */
  enter(): void
  /** A request that was let in is over. */
  leave(): void
  answered(): void
  /** Counts `error` when it says that the service is down, not when it is the client's doing. */
  failed(error: unknown): void
}

const headers = { 'retry-after': '1' }

/** Creates the guard of every service, and their metrics. */
export function createUpstreamGuards(options: {
  readonly metrics: Metrics
  readonly clock: Clock
}): (service: Upstream) => UpstreamGuard {
  const { metrics, clock } = options
  const failures = metrics.counter(
    'gateway_upstream_failures_total',
    'Requests that a service did not answer, by what went wrong.',
    ['upstream', 'reason'],
  )
  const refused = metrics.counter(
    'gateway_upstream_refused_total',
    'Requests that were not sent to a service because it is down or has too many.',
    ['upstream'],
  )
  const breakers = new Map(upstreams.map(name => [name, createBreaker(clock)]))
  metrics.gauge(
    'gateway_upstream_down',
    '1 while the breaker of a service is open.',
    ['upstream'],
    gauge => {
      for (const [upstream, { isOpen }] of breakers) gauge.set({ upstream }, isOpen ? 1 : 0)
    },
  )

  function guard(upstream: Upstream, breaker: Breaker): UpstreamGuard {
    let waiting = 0
    return {
      enter() {
        const reason = refusalOf()
        if (reason !== undefined) {
          refused.inc({ upstream })
          throw new AppError([reason], { headers })
        }
        waiting += 1
      },
      leave() {
        waiting -= 1
      },
      answered: () => breaker.answered(),
      failed(error) {
        const reason = reasonOf(error)
        if (reason === undefined) return
        failures.inc({ upstream, reason })
        breaker.failed()
      },
    }

    function refusalOf() {
      if (waiting >= waitingMax) return chassis.overloaded()
      return breaker.mayTry() ? undefined : refuse.upstream_down()
    }
  }

  const guards = new Map([...breakers].map(([name, breaker]) => [name, guard(name, breaker)]))
  return service => {
    const found = guards.get(service)
    if (found === undefined) throw new TypeError(`There is no service ${service}.`)
    return found
  }
}

const reasons: ReadonlyMap<unknown, 'connect' | 'timeout'> = new Map([
  ['ECONNREFUSED', 'connect'],
  ['EHOSTUNREACH', 'connect'],
  ['ENETUNREACH', 'connect'],
  ['ENOTFOUND', 'connect'],
  ['EAI_AGAIN', 'connect'],
  ['UND_ERR_CONNECT_TIMEOUT', 'connect'],
  ['UND_ERR_HEADERS_TIMEOUT', 'timeout'],
])

/** A connection that breaks is not counted: a client that goes away breaks it too. */
function reasonOf(error: unknown): 'connect' | 'timeout' | undefined {
  const cause: unknown = Reflect.get(Object(error), 'cause')
  return reasons.get(Reflect.get(Object(cause), 'code'))
}
