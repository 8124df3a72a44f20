import { equal } from 'node:assert/strict'
import { test } from 'tap'
import { quietParts } from '../testing/chassis-parts.ts'
import type { Cleanup } from '../testing/cleanup.ts'
import { eventually } from '../testing/eventually.ts'
import { preferWait, requestSignal, waitUntil } from './prefer-wait.ts'
import { createServer } from './server.ts'

function testServer(t: Cleanup) {
  const app = createServer({ service: 'test', ...quietParts() })
  t.teardown(() => app.close())
  let started = 0
  let ended = 0
  app.register(async routes => {
    const config = { access: 'public' as const }
    routes.get('/v1/seconds', { config }, async (request, reply) => ({
      seconds: preferWait(request, reply),
    }))
    routes.get('/v1/held', { config }, async (request, reply) => {
      const signal = requestSignal(request, reply)
      started += 1
      await waitUntil(10, async () => undefined, { signal })
      ended += 1
      return {}
    })
  })
  return { app, started: () => started, ended: () => ended }
}

test('Prefer: wait is understood up to 10 s and confirmed; nonsense is ignored', async t => {
  const { app } = testServer(t)
  for (const [prefer, seconds] of [
    ['wait=3', 3],
    ['respond-async, wait=7', 7],
    ['wait="5"', 5],
    ['WAIT=2; foo', 2],
    ['wait=60', 10],
    ['wait=0', 0],
    ['wait=-1', 0],
    ['wait=1.5', 0],
    ['wait', 0],
    ['awaiting=3', 0],
    [' '.repeat(5_000), 0],
  ] as const) {
    const response = await app.inject({ url: '/v1/seconds', headers: { prefer } })
    t.same(response.json(), { seconds }, prefer)
    t.equal(response.headers['preference-applied'], seconds > 0 ? `wait=${seconds}` : undefined)
  }
})

test('the first look happens at once and may be the last', async t => {
  let looks = 0
  const look = async () => {
    looks += 1
    return looks === 1 ? 'done' : undefined
  }
  t.equal(await waitUntil(0, look), 'done')
  t.equal(await waitUntil(0, look), undefined)
  t.equal(looks, 2)
})

test('it looks again at growing intervals until the answer is there', async t => {
  let looks = 0
  const startedAt = performance.now()
  const answer = await waitUntil(5, async () => {
    looks += 1
    return looks === 4 ? 'done' : undefined
  })
  t.equal(answer, 'done')
  const tookMs = performance.now() - startedAt
  t.ok(tookMs >= 25 + 50 + 100 - 5 && tookMs < 1_000, `${tookMs} ms`)
})

test('a wake is as good as an interval, also when it comes during a look', async t => {
  let isDone = false
  let wake: () => void = () => undefined
  let unsubscribed = 0
  const startedAt = performance.now()
  const answer = await waitUntil(
    10,
    async () => {
      if (isDone) return 'done'
      // The news arrives after this look has read the old state.
      if (performance.now() - startedAt > 400) {
        isDone = true
        wake()
      }
      return undefined
    },
    {
      wake(listener) {
        wake = listener
        return () => {
          unsubscribed += 1
        }
      },
    },
  )
  t.equal(answer, 'done')
  t.equal(unsubscribed, 1)
})

test('news that are the answer themselves save the look', async t => {
  let looks = 0
  const answer = await waitUntil<string>(
    10,
    async () => {
      looks += 1
      return undefined
    },
    {
      wake(listener) {
        setImmediate(() => listener('done'))
        return () => undefined
      },
    },
  )
  t.equal(answer, 'done')
  t.equal(looks, 1)
})

test('the wait ends when the time is over, and when looking fails', async t => {
  const startedAt = performance.now()
  t.equal(await waitUntil(0.1, async () => undefined), undefined)
  t.ok(performance.now() - startedAt < 1_000)
  await t.rejects(
    waitUntil(1, () => Promise.reject(new Error('broken'))),
    { message: 'broken' },
  )
})

test('nobody is waited for once the client has gone or the server stops', async t => {
  const { app, started, ended } = testServer(t)
  await app.listen({ port: 0, host: '127.0.0.1' })
  const [address] = app.addresses()
  if (typeof address !== 'object') throw new TypeError('not listening')
  const url = `http://127.0.0.1:${address.port}/v1/held`
  const gone = new AbortController()
  const abandoned = fetch(url, { signal: gone.signal })
  await eventually(() => equal(started(), 1))
  gone.abort()
  await t.rejects(abandoned)
  await eventually(() => equal(ended(), 1))
  const held = fetch(url)
  await eventually(() => equal(started(), 2))
  await app.close()
  t.equal((await held).status, 200)
})
