import type { Metrics } from '../process/metrics.ts'
import { type Breaker, createBreaker } from './breaker.ts'
import { defineScript, type Redis } from './redis.ts'

// Cache-aside. An entry is `<version>|<JSON>`. It is written only over an older version, so a reader
// that was slow cannot put an old row back. Dropping a key leaves `<version>|` for a while, which a
// loader that started before the change cannot overwrite either. Every entry has a TTL: invalidation
// by event is an optimisation on top.

/** A row and its version; versions of a key only grow. */
export interface Versioned<T> {
  /** Plain JSON: what is read back from the cache has passed through it. */
  readonly value: T
  readonly version: number
}

/** How a missing value is had. */
export interface Lookup<T> {
  readonly ttlSeconds: number
  readonly load: () => Promise<Versioned<T> | undefined>
}

/** A value that is on its way, shared by everybody who asks for its key meanwhile. */
interface Flight {
  value: Promise<unknown> | undefined
  /** False once the key was dropped: what is loaded may be old. */
  isValid: boolean
}

/** A cache of one service in Redis. It is never the truth: without it everything works, slower. */
export interface Cache {
  /**
   * Answers the cached value of `key`, or loads it: one load per key and process at a time.
   *
   * @returns undefined when `load` says that there is nothing; that is not cached
   */
  get<T>(key: string, lookup: Lookup<T>): Promise<T | undefined>
  /** Forgets `key`; with `version`, nothing older than it is accepted any more. */
  drop(key: string, version?: number): Promise<void>
}

const setIfNewer = defineScript(`
  local current = redis.call('get', KEYS[1])
  if current then
    local version = tonumber(string.match(current, '^(%d+)|'))
    local isTombstone = string.sub(current, -1) == '|'
    if version and version > tonumber(ARGV[1]) then return 0 end
    if version == tonumber(ARGV[1]) and not isTombstone then return 0 end
  end
  redis.call('set', KEYS[1], ARGV[1] .. '|' .. ARGV[2], 'px', ARGV[3])
  return 1`)

const tombstoneMs = 60_000

/** Creates the cache of `service`; keys of different services never meet. */
export function createCache({
  redis,
  service,
  metrics,
  breaker = createBreaker(),
}: {
  readonly redis: Redis
  readonly service: string
  readonly metrics: Metrics
  readonly breaker?: Breaker
}): Cache {
  const requests = metrics.counter('cache_requests_total', 'Reads of the cache.', ['result'])
  const flights = new Map<string, Flight>()

  async function find<T>(name: string, { ttlSeconds, load }: Lookup<T>, flight: Flight) {
    const text = await breaker.run(() => redis.get(name))
    const json = text?.slice(text.indexOf('|') + 1) ?? ''
    if (json !== '') {
      requests.inc({ result: 'hit' })
      const cached: T = JSON.parse(json)
      return cached
    }
    requests.inc({ result: text === undefined ? 'bypass' : 'miss' })
    const loaded = await load()
    // Nobody waits for the write. It is sent before the flight ends, so whoever reads next, reads it.
    if (loaded !== undefined && flight.isValid) void write(name, loaded, ttlSeconds)
    return loaded?.value
  }

  async function write(name: string, { value, version }: Versioned<unknown>, ttlSeconds: number) {
    // Entries that were written together must not expire together.
    const ttlMs = Math.round(ttlSeconds * 1_000 * (0.9 + Math.random() * 0.2))
    const args = [version, JSON.stringify(value), ttlMs]
    await breaker.run(() => setIfNewer.run(redis, [name], args))
  }

  return {
    async get<T>(key: string, lookup: Lookup<T>): Promise<T | undefined> {
      const name = `cache:${service}:${key}`
      const running = flights.get(name)
      // One key has one type, by the contract of the cache.
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion
      if (running !== undefined) return (await running.value) as T | undefined

      const flight: Flight = { isValid: true, value: undefined }
      const value = find(name, lookup, flight)
      flight.value = value
      flights.set(name, flight)
      try {
        return await value
      } finally {
        if (flight.isValid) flights.delete(name)
      }
    },

    async drop(key, version) {
      const name = `cache:${service}:${key}`
      // A load that runs now may have read the old row: its result must not be kept.
      const flight = flights.get(name)
      if (flight !== undefined) flight.isValid = false
      flights.delete(name)
      await breaker.run(async () =>
        version === undefined
          ? redis.del(name)
          : setIfNewer.run(redis, [name], [version, '', tombstoneMs]),
      )
    },
  }
}
