import { equal } from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test } from 'tap'
import { createRedis } from '../data/redis.ts'
import { quietParts } from '../testing/chassis-parts.ts'
import type { Cleanup } from '../testing/cleanup.ts'
import { eventually } from '../testing/eventually.ts'
import { problemOf } from '../testing/problem.ts'
import { createTestRedis, type TestRedis } from '../testing/redis.ts'
import { testTokens } from '../testing/tokens.ts'
import { createServer } from './server.ts'
import { createLocalLog, createSlidingLog } from './sliding-log.ts'

const tokens = await testTokens()

function testServer(t: Cleanup, { redis, namespace }: Pick<TestRedis, 'redis' | 'namespace'>) {
  const parts = quietParts()
  const app = createServer({
    service: 'test',
    ...parts,
    auth: tokens.verifier(),
    trustedProxies: 1,
    rateLimit: {
      redis,
      namespace,
      policies: {
        anonymous: { max: 3, windowSeconds: 60, by: 'address' },
        user: { max: 100, windowSeconds: 3_600 },
        checkout: { max: 2, windowSeconds: 60 },
        account: { max: 1, windowSeconds: 60 },
      },
      policyOf: ({ user }) => (user === null ? 'anonymous' : 'user'),
    },
  })
  t.teardown(() => app.close())
  app.register(async routes => {
    routes.get('/v1/any', { config: { access: 'optional' } }, async () => ({}))
    routes.get('/v1/free', { config: { access: 'public', rateLimit: false } }, async () => ({}))
    routes.options('/v1/any', { config: { access: 'public' } }, async () => ({}))
    routes.post(
      '/v1/checkout',
      { config: { access: 'user', rateLimit: { policy: 'checkout' } } },
      async () => ({}),
    )
    routes.post(
      '/v1/login',
      { config: { access: 'public', rateLimit: false } },
      async (_request, reply) => {
        const account = createHash('sha256').update('ada@example.org').digest('hex')
        await app.limits.take('account', account, reply)
        return {}
      },
    )
  })
  return { app, metrics: parts.metrics }
}

test('over three servers exactly 100 of 200 concurrent requests of a user get through', async t => {
  const { namespace } = await createTestRedis(t)
  const servers = Array.from({ length: 3 }, () => {
    const redis = createRedis(process.env['REDIS_URL'] ?? '')
    t.teardown(() => redis.disconnect())
    return { redis, ...testServer(t, { redis, namespace }) }
  })
  await eventually(() => Promise.all(servers.map(({ redis }) => redis.ping())))
  const headers = tokens.bearer()
  const responses = await Promise.all(
    Array.from({ length: 200 }, async (_, index) => {
      return servers[index % 3]?.app.inject({ url: '/v1/any', headers })
    }),
  )
  t.equal(responses.filter(response => response?.statusCode === 200).length, 100)
  const refused = responses.filter(response => response?.statusCode === 429)
  t.equal(refused.length, 100)
  const [first] = refused
  if (first === undefined) throw new Error('nothing was refused')
  t.match(problemOf(first), { code: 'request.rate_limited' })
  t.equal(first.headers['ratelimit-policy'], '"user";q=100;w=3600')
  t.match(first.headers['ratelimit'], /^"user";r=0;t=3(600|59\d)$/)
  t.match(first.headers['retry-after'], /^3(600|59\d)$/)
})

test('anonymous callers are counted by address, IPv6 ones by their /64, users by id', async t => {
  const { app } = testServer(t, await createTestRedis(t))
  const get = async (ip: string, headers = {}) =>
    (await app.inject({ url: '/v1/any', headers: { 'x-forwarded-for': ip, ...headers } }))
      .statusCode
  const addresses = ['2001:db8::1', '2001:db8::2', '2001:db8:0:0:ffff::3', '2001:db8::4']
  const statuses = await addresses.reduce<Promise<number[]>>(
    async (before, ip) => [...(await before), await get(ip)],
    Promise.resolve([]),
  )
  t.same(statuses, [200, 200, 200, 429])
  t.equal(await get('2001:db8:0:1::1'), 200)
  t.equal(await get('192.0.2.1'), 200)
  t.equal(await get('2001:db8::1', tokens.bearer()), 200)
})

test('unknown paths count, preflights and exempt routes do not', async t => {
  const { app } = testServer(t, await createTestRedis(t))
  const preflight = { 'access-control-request-method': 'POST', origin: 'https://campus.example' }
  for (let round = 0; round < 5; round += 1) {
    // oxlint-disable-next-line no-await-in-loop -- in order.
    const answers = await Promise.all([
      app.inject({ url: '/v1/any', method: 'OPTIONS', headers: preflight }),
      app.inject('/v1/free'),
    ])
    t.same(
      answers.map(({ statusCode }) => statusCode),
      [200, 200],
    )
  }
  const statuses: number[] = []
  for (let round = 0; round < 4; round += 1) {
    // oxlint-disable-next-line no-await-in-loop
    statuses.push((await app.inject('/v1/nothing')).statusCode)
  }
  t.same(statuses, [404, 404, 404, 429])
})

test('a route adds a policy of its own, and both are shown', async t => {
  const { app } = testServer(t, await createTestRedis(t))
  const headers = tokens.bearer()
  const send = async () => app.inject({ method: 'POST', url: '/v1/checkout', headers })
  const first = await send()
  t.equal(first.statusCode, 200)
  t.equal(first.headers['ratelimit-policy'], '"user";q=100;w=3600, "checkout";q=2;w=60')
  t.match(first.headers['ratelimit'], /^"user";r=99;t=3600, "checkout";r=1;t=60$/)
  t.equal((await send()).statusCode, 200)
  t.equal((await send()).statusCode, 429)
})

test('a handler limits what only it knows', async t => {
  const { app, metrics } = testServer(t, await createTestRedis(t))
  const login = async () => (await app.inject({ method: 'POST', url: '/v1/login' })).statusCode
  t.equal(await login(), 200)
  t.equal(await login(), 429)
  t.match(await metrics.render(), /rate_limit_refused_total\{.*policy="account".*\} 1/)
})

test('a route that names an unknown policy is refused at start', async t => {
  const { app } = testServer(t, await createTestRedis(t))
  app.register(async routes => {
    const config = { access: 'public' as const, rateLimit: { policy: 'typo' } }
    routes.get('/v1/typo', { config }, async () => ({}))
  })
  await t.rejects(async () => app.ready(), /no rate policy typo/)
})

test('without Redis each process limits by itself, counted, and nobody waits long', async t => {
  for (const fault of ['freeze', 'cut'] as const) {
    // oxlint-disable-next-line no-await-in-loop -- one fault after the other.
    const shared = await createTestRedis(t)
    const { app, metrics } = testServer(t, shared)
    // oxlint-disable-next-line no-await-in-loop
    await app.ready()
    shared.proxy[fault]()
    const waitsMs: number[] = []
    const statuses: number[] = []
    for (let round = 0; round < 10; round += 1) {
      const startedAt = performance.now()
      // oxlint-disable-next-line no-await-in-loop
      statuses.push((await app.inject('/v1/any')).statusCode)
      waitsMs.push(performance.now() - startedAt)
    }
    t.equal(statuses.filter(status => status === 200).length, 3, fault)
    t.ok(Math.max(...waitsMs) < 250, `${fault}: ${Math.max(...waitsMs)} ms`)
    t.ok(
      waitsMs.slice(5).every(ms => ms < 50),
      `${fault}: later requests do not wait at all`,
    )
    // oxlint-disable-next-line no-await-in-loop
    t.match(await metrics.render(), /rate_limit_fallback_total\{service="test"\} 10/, fault)
  }
})

test('the log slides: one more is allowed exactly when the oldest leaves the window', async t => {
  const { redis, namespace } = await createTestRedis(t)
  const log = createSlidingLog({ redis, namespace, metrics: quietParts().metrics })
  const take = async () => log.take('key', 2, 300)
  t.match(await take(), { isAllowed: true, remaining: 1 })
  t.match(await take(), { isAllowed: true, remaining: 0 })
  const refused = await take()
  t.match(refused, { isAllowed: false, remaining: 0 })
  t.ok(refused.resetMs > 0 && refused.resetMs <= 300)
  await eventually(async () => equal((await take()).isAllowed, true))
  t.ok((await redis.zcard(`limit:${namespace}:key`)) <= 2)
  await eventually(async () => equal(await redis.exists(`limit:${namespace}:key`), 0))
})

test('requests of several keys that come together are counted each, in their order', async t => {
  const { redis, namespace } = await createTestRedis(t)
  const log = createSlidingLog({ redis, namespace, metrics: quietParts().metrics })
  const take = async () => {
    const [odd, even] = [() => log.take('odd', 1, 60_000), () => log.take('even', 5, 60_000)]
    return Promise.all([odd(), even(), odd(), even()])
  }
  t.match(await take(), [
    { isAllowed: true, remaining: 0 },
    { isAllowed: true, remaining: 4 },
    { isAllowed: false, remaining: 0 },
    { isAllowed: true, remaining: 3 },
  ])
  t.match(await take(), [
    { isAllowed: false, remaining: 0 },
    { isAllowed: true, remaining: 2 },
    { isAllowed: false, remaining: 0 },
    { isAllowed: true, remaining: 1 },
  ])
})

test('the local log slides too, and remembers a bounded number of keys', t => {
  let nowMs = 0
  const log = createLocalLog(() => nowMs)
  t.match(log.take('a', 2, 100), { isAllowed: true, remaining: 1, resetMs: 100 })
  nowMs = 60
  t.match(log.take('a', 2, 100), { isAllowed: true, remaining: 0, resetMs: 40 })
  t.match(log.take('a', 2, 100), { isAllowed: false, remaining: 0, resetMs: 40 })
  nowMs = 101
  t.match(log.take('a', 2, 100), { isAllowed: true, remaining: 0, resetMs: 59 })
  for (let key = 0; key < 10_000; key += 1) log.take(`key-${key}`, 1, 1_000)
  t.match(log.take('key-9999', 1, 1_000), { isAllowed: false })
  t.match(log.take('a', 1, 1_000), { isAllowed: true }, 'the oldest key is forgotten')
  t.end()
})
