import { equal } from 'node:assert/strict'
import { test } from 'tap'
import { quietParts } from '../testing/chassis-parts.ts'
import type { Cleanup } from '../testing/cleanup.ts'
import { eventually } from '../testing/eventually.ts'
import { createTestRedis } from '../testing/redis.ts'
import { type Cache, createCache, type Versioned } from './cache.ts'

async function testCache(t: Cleanup) {
  const { redis, proxy, namespace } = await createTestRedis(t)
  const { metrics } = quietParts()
  const cache = createCache({ redis, service: namespace, metrics })
  const other = createCache({ redis, service: namespace, metrics })
  return {
    cache,
    other,
    redis,
    proxy,
    metrics,
    keyOf: (key: string) => `cache:${namespace}:${key}`,
  }
}

/** Reads one key and counts how often it was loaded. */
function reader(cache: Cache, versioned: () => Versioned<string> | undefined, key = 'course') {
  let loads = 0
  return {
    loads: () => loads,
    read: (ttlSeconds = 60) =>
      cache.get(key, {
        ttlSeconds,
        load: async () => {
          loads += 1
          return versioned()
        },
      }),
  }
}

test('a value is loaded once and then read, also by another process', async t => {
  const { cache, other, redis, keyOf, metrics } = await testCache(t)
  const mine = reader(cache, () => ({ value: 'TypeScript', version: 1 }))
  t.equal(await mine.read(), 'TypeScript')
  await eventually(async () => equal(await redis.exists(keyOf('course')), 1))
  t.equal(await mine.read(), 'TypeScript')
  t.equal(mine.loads(), 1)
  const theirs = reader(other, () => undefined)
  t.equal(await theirs.read(), 'TypeScript')
  t.equal(theirs.loads(), 0)
  t.match(await metrics.render(), /cache_requests_total\{.*result="hit".*\} 2/)
})

test('what is not there is not cached', async t => {
  const { cache } = await testCache(t)
  const { read, loads } = reader(cache, () => undefined)
  t.equal(await read(), undefined)
  t.equal(await read(), undefined)
  t.equal(loads(), 2)
})

test('a hundred readers of a missing key cause one load', async t => {
  const { cache } = await testCache(t)
  const { read, loads } = reader(cache, () => ({ value: 'x', version: 1 }))
  const values = await Promise.all(Array.from({ length: 100 }, () => read()))
  t.ok(values.every(value => value === 'x'))
  t.equal(loads(), 1)
})

test('every entry expires, not all at the same moment', async t => {
  const { cache, redis, keyOf } = await testCache(t)
  const ttls = new Set<number>()
  const keys = Array.from({ length: 20 }, (_, index) => `key-${index}`)
  await Promise.all(
    keys.map(key =>
      cache.get(key, { ttlSeconds: 100, load: async () => ({ value: 1, version: 1 }) }),
    ),
  )
  for (const key of keys) {
    // oxlint-disable-next-line no-await-in-loop -- one wait covers all.
    await eventually(async () => equal(await redis.exists(keyOf(key)), 1))
    // oxlint-disable-next-line no-await-in-loop
    ttls.add(await redis.pttl(keyOf(key)))
  }
  t.ok(Math.min(...ttls) > 85_000 && Math.max(...ttls) <= 110_000)
  t.ok(ttls.size > 5)
})

test('a slow loader cannot put an old row back over a newer one', async t => {
  const { cache, other, redis, keyOf } = await testCache(t)
  const gate = Promise.withResolvers<void>()
  const slow = cache.get('course', {
    ttlSeconds: 60,
    load: async () => {
      await gate.promise
      return { value: 'old', version: 1 }
    },
  })
  await reader(other, () => ({ value: 'new', version: 2 })).read()
  await eventually(async () => equal(await redis.get(keyOf('course')), '2|"new"'))
  gate.resolve()
  t.equal(await slow, 'old')
  t.equal(await reader(cache, () => undefined).read(), 'new')
})

test('a drop with a version keeps loaders of older rows out, in every process', async t => {
  const { cache, other } = await testCache(t)
  const gate = Promise.withResolvers<void>()
  const started = Promise.withResolvers<void>()
  const slow = other.get('course', {
    ttlSeconds: 60,
    load: async () => {
      started.resolve()
      await gate.promise
      return { value: 'old', version: 1 }
    },
  })
  await started.promise
  await cache.drop('course', 2)
  gate.resolve()
  await slow
  const { read, loads } = reader(cache, () => ({ value: 'new', version: 2 }))
  t.equal(await read(), 'new')
  t.equal(loads(), 1)
  await eventually(async () => equal(await reader(other, () => undefined).read(), 'new'))
})

test('a drop without a version forgets the entry, and what is being loaded', async t => {
  const { cache, redis, keyOf } = await testCache(t)
  const gate = Promise.withResolvers<void>()
  const started = Promise.withResolvers<void>()
  const slow = cache.get('course', {
    ttlSeconds: 60,
    load: async () => {
      started.resolve()
      await gate.promise
      return { value: 'old', version: 1 }
    },
  })
  await started.promise
  await cache.drop('course')
  gate.resolve()
  await slow
  t.equal(await redis.get(keyOf('course')), null)
})

test('without Redis values are loaded, one at a time per key, and nobody waits long', async t => {
  const { cache, proxy, metrics } = await testCache(t)
  let key = 0
  for (const fail of [() => proxy.freeze(), () => proxy.cut()]) {
    fail()
    // What was sent to a frozen Redis arrives later, so each fault has a key of its own.
    key += 1
    const { read, loads } = reader(cache, () => ({ value: 'x', version: 1 }), `key-${key}`)
    const startedAt = performance.now()
    const values = await Promise.all(Array.from({ length: 50 }, () => read()))
    t.ok(values.every(value => value === 'x'))
    t.equal(loads(), 1)
    for (let round = 0; round < 20; round += 1) {
      // oxlint-disable-next-line no-await-in-loop -- the waits of single readers add up.
      t.equal(await read(), 'x')
    }
    const tookMs = performance.now() - startedAt
    t.ok(tookMs < 500, `${tookMs} ms`)
    proxy.restore()
  }
  t.match(await metrics.render(), /cache_requests_total\{.*result="bypass".*\} [1-9]/)
})

test('the cache works again once Redis is back', async t => {
  const { cache, proxy } = await testCache(t)
  proxy.cut()
  const { read, loads } = reader(cache, () => ({ value: 'x', version: 1 }))
  t.equal(await read(), 'x')
  proxy.restore()
  await eventually(async () => {
    const before = loads()
    await read()
    equal(loads(), before)
  })
})
