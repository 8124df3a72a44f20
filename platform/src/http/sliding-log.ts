import { randomBytes } from 'node:crypto'
import { type Breaker, createBreaker } from '../data/breaker.ts'
import { defineScript, type Redis } from '../data/redis.ts'
import type { Metrics } from '../process/metrics.ts'

// A sliding log keeps the time of every request that it let through: at most `max` of them lie in any
// window, which neither fixed windows nor GCRA can promise around a boundary. The script runs in one
// step and reads the clock of Redis, so replicas agree whatever their clocks say. A refused request
// leaves no trace, so an entry set never has more than `max` members.

/** What became of one request. */
export interface Taken {
  readonly isAllowed: boolean
  /** Requests that are left in the present window. */
  readonly remaining: number
  /** Until the oldest request leaves the window and one more is allowed. */
  readonly resetMs: number
}

/** Counts requests by key. */
export interface SlidingLog {
  /** Takes one request out of `max` per `windowMs`; it never fails. */
  take(key: string, max: number, windowMs: number): Promise<Taken>
}

const script = defineScript(`
  local clock = redis.call('time')
  local now = clock[1] * 1000000 + clock[2]
  local max = tonumber(ARGV[1])
  local window = ARGV[2] * 1000
  redis.call('zremrangebyscore', KEYS[1], '-inf', string.format('%.0f', now - window))
  local count = redis.call('zcard', KEYS[1])
  local allowed = 0
  if count < max then
    redis.call('zadd', KEYS[1], string.format('%.0f', now), ARGV[3])
    redis.call('pexpire', KEYS[1], ARGV[2])
    count = count + 1
    allowed = 1
  end
  local oldest = redis.call('zrange', KEYS[1], 0, 0, 'withscores')
  local reset = 0
  if oldest[2] then reset = math.ceil((oldest[2] + window - now) / 1000) end
  return {allowed, max - count, reset}`)

/** Creates a log in Redis that counts in this process while Redis cannot be asked. */
export function createSlidingLog({
  redis,
  metrics,
  namespace = '',
  breaker = createBreaker(),
}: {
  readonly redis: Redis
  readonly metrics: Metrics
  readonly namespace?: string
  readonly breaker?: Breaker
}): SlidingLog {
  const fallbacks = metrics.counter(
    'rate_limit_fallback_total',
    'Requests counted by this process alone because Redis did not answer.',
  )
  const local = createLocalLog()
  // Members of a set must differ, over all processes.
  const processName = randomBytes(6).toString('hex')
  let sequence = 0

  return {
    async take(key, max, windowMs) {
      sequence += 1
      const member = `${processName}-${sequence}`
      const reply = await breaker.run(() =>
        script.run(redis, [`limit:${namespace}:${key}`], [max, windowMs, member]),
      )
      if (Array.isArray(reply)) {
        const [allowed, remaining, resetMs] = reply.map(Number)
        return {
          isAllowed: allowed === 1,
          remaining: Math.max(0, remaining ?? 0),
          resetMs: Math.max(0, resetMs ?? 0),
        }
      }
      fallbacks.inc()
      return local.take(key, max, windowMs)
    },
  }
}

/** Keys that the local log remembers at most; beyond them the oldest ones are forgotten. */
const localKeysMax = 10_000

/** The same log in the memory of one process: `max` per process instead of in all. */
export function createLocalLog(now: () => number = () => performance.now()) {
  const logs = new Map<string, number[]>()
  return {
    take(key: string, max: number, windowMs: number): Taken {
      const at = now()
      const times = (logs.get(key) ?? []).filter(time => time > at - windowMs)
      const isAllowed = times.length < max
      if (isAllowed) times.push(at)
      // Deleting first makes it the youngest key.
      logs.delete(key)
      logs.set(key, times)
      if (logs.size > localKeysMax) {
        for (const oldest of logs.keys()) {
          logs.delete(oldest)
          break
        }
      }
      const [first = at] = times
      return { isAllowed, remaining: max - times.length, resetMs: first + windowMs - at }
    },
  }
}
