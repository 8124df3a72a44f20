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

// Requests that arrive in the same turn of the event loop share one message: a message costs both
// processes more than the counting does. Each group has three arguments: max, window, requests.
const script = defineScript(`
  local clock = redis.call('time')
  local now = clock[1] * 1000000 + clock[2]
  local score = string.format('%.0f', now)
  local replies = {}
  for group, key in ipairs(KEYS) do
    local max = tonumber(ARGV[3 * group - 1])
    local windowMs = ARGV[3 * group]
    local window = windowMs * 1000
    redis.call('zremrangebyscore', key, '-inf', string.format('%.0f', now - window))
    local count = redis.call('zcard', key)
    local allowed = math.max(0, math.min(tonumber(ARGV[3 * group + 1]), max - count))
    for place = 1, allowed do
      redis.call('zadd', key, score, ARGV[1] .. '-' .. group .. '-' .. place)
    end
    if allowed > 0 then redis.call('pexpire', key, windowMs) end
    local oldest = redis.call('zrange', key, 0, 0, 'withscores')
    local reset = 0
    if oldest[2] then reset = math.ceil((oldest[2] + window - now) / 1000) end
    replies[group] = {allowed, max - count, reset}
  end
  return replies`)

/** Requests of one key that are asked for together. */
interface Group {
  readonly key: string
  readonly max: number
  readonly windowMs: number
  /** In the order in which they came, which is the order in which they are served. */
  readonly takers: ((taken: Taken) => void)[]
}

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
  const processName = randomBytes(6).toString('base64url')
  let batches = 0
  let waiting = new Map<string, Group>()

  async function flush(): Promise<void> {
    const groups = [...waiting.values()]
    waiting = new Map()
    batches += 1
    const keys = groups.map(({ key }) => `limit:${namespace}:${key}`)
    const counts = groups.flatMap(({ max, windowMs, takers }) => [max, windowMs, takers.length])
    const batch = `${processName}-${batches.toString(36)}`
    const replies = await breaker.run(() => script.run(redis, keys, [batch, ...counts]))
    for (const [index, group] of groups.entries()) {
      serve(group, Array.isArray(replies) ? replies[index] : undefined)
    }
  }

  function serve({ key, max, windowMs, takers }: Group, reply: unknown): void {
    if (!Array.isArray(reply)) {
      fallbacks.inc(takers.length)
      for (const take of takers) take(local.take(key, max, windowMs))
      return
    }
    const [allowed = 0, room = 0, resetMs = 0] = reply.map(Number)
    for (const [place, take] of takers.entries()) {
      take({
        isAllowed: place < allowed,
        remaining: Math.max(0, room - Math.min(place + 1, allowed)),
        resetMs: Math.max(0, resetMs),
      })
    }
  }

  return {
    async take(key, max, windowMs) {
      // After everything else that arrived in this turn, and before the next one is waited for.
      if (waiting.size === 0) setImmediate(() => void flush())
      const id = `${key} ${max} ${windowMs}`
      let group = waiting.get(id)
      if (group === undefined) {
        group = { key, max, windowMs, takers: [] }
        waiting.set(id, group)
      }
      const { takers } = group
      return new Promise(resolve => takers.push(resolve))
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
