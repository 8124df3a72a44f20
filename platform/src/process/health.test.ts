import { test } from 'tap'
import type { Cleanup } from '../testing/cleanup.ts'
import { createHealth, sendJson, startAdminServer } from './health.ts'
import { createMetrics } from './metrics.ts'

async function adminServer(t: Cleanup) {
  const health = createHealth()
  const metrics = createMetrics({ service: 'test' })
  const server = await startAdminServer({
    host: '127.0.0.1',
    port: 0,
    metrics,
    health,
    routes: {
      '/ops/echo': (request, response) => sendJson(response, 200, { url: request.url }),
      '/ops/broken': () => Promise.reject(new Error('secret text')),
    },
  })
  t.teardown(() => server.stop())
  return { health, url: server.url }
}

test('readyz answers 503 and names what is missing, until every check passes', async t => {
  const { health, url } = await adminServer(t)
  let isUp = false
  health.register('postgres', () => isUp)
  health.register('kafka', () => isUp || 'no consumer has polled')
  health.register('redis', () => Promise.reject(new Error('connect ECONNREFUSED 10.0.0.1')))
  const response = await fetch(`${url}/readyz`)
  t.equal(response.status, 503)
  t.match(response.headers.get('content-type'), 'application/problem+json')
  t.match(await response.json(), {
    missing: { postgres: 'down', kafka: 'no consumer has polled', redis: 'down' },
  })
  isUp = true
  health.register('redis', () => true)
  t.equal((await fetch(`${url}/readyz`)).status, 200)
  t.equal((await fetch(`${url}/livez`)).status, 200)
})

test('a check that hangs counts as missing after a second', async t => {
  const { health } = await adminServer(t)
  health.register('postgres', () => new Promise(() => undefined))
  t.same(await health.missing(), { postgres: 'no answer in time' })
})

test('a draining process is not ready but alive', async t => {
  const { health, url } = await adminServer(t)
  health.drain()
  t.ok(health.isDraining)
  t.match(await (await fetch(`${url}/readyz`)).json(), { missing: { process: 'stopping' } })
  t.equal((await fetch(`${url}/livez`)).status, 200)
})

test('metrics, extra routes and unknown paths are answered; a broken route leaks nothing', async t => {
  const { url } = await adminServer(t)
  t.match(await (await fetch(`${url}/metrics`)).text(), 'process_cpu_seconds_total')
  t.match(await (await fetch(`${url}/ops/echo?x=1`)).json(), { url: '/ops/echo?x=1' })
  t.equal((await fetch(`${url}/other`)).status, 404)
  const broken = await fetch(`${url}/ops/broken`)
  t.equal(broken.status, 500)
  t.notMatch(await broken.text(), 'secret text')
})
