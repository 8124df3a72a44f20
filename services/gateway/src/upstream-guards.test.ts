import { createMetrics } from '@campus/platform/process/metrics'
import { test } from 'tap'
import { createUpstreamGuards } from './upstream-guards.ts'

function guards() {
  let nowMs = 1_000_000
  const metrics = createMetrics({ service: 'test' })
  const guardOf = createUpstreamGuards({ metrics, clock: { now: () => new Date(nowMs) } })
  return {
    guardOf,
    metrics,
    pass: (ms: number) => {
      nowMs += ms
    },
  }
}

/** An error as the proxy wraps it. */
function failure(code: string): Error {
  return new Error('wrapped', { cause: Object.assign(new Error(code), { code }) })
}

test('G5: the breaker of a service is its own, and metrics tell of it', async t => {
  const { guardOf, metrics, pass } = guards()
  const orders = guardOf('orders')
  for (let i = 0; i < 5; i += 1) orders.failed(failure('ECONNREFUSED'))
  t.throws(() => orders.enter(), { code: 'gateway.upstream_down', headers: { 'retry-after': '1' } })
  t.doesNotThrow(() => guardOf('catalog').enter())
  const text = await metrics.render()
  t.match(text, /gateway_upstream_down\{upstream="orders",[^}]*\} 1\n/)
  t.match(text, /gateway_upstream_down\{upstream="catalog",[^}]*\} 0\n/)
  t.match(text, /failures_total\{upstream="orders",reason="connect",[^}]*\} 5\n/)
  t.match(text, /refused_total\{upstream="orders",[^}]*\} 1\n/)
  pass(1_000)
  t.doesNotThrow(() => orders.enter(), 'one may try')
  orders.answered()
  t.match(await metrics.render(), /gateway_upstream_down\{upstream="orders",[^}]*\} 0\n/)
})

test('G5: what a client can cause does not count against a service', async t => {
  const { guardOf } = guards()
  const orders = guardOf('orders')
  for (const code of ['ECONNRESET', 'UND_ERR_SOCKET', 'UND_ERR_REQ_CONTENT_LENGTH_MISMATCH']) {
    for (let i = 0; i < 10; i += 1) orders.failed(failure(code))
  }
  t.doesNotThrow(() => orders.enter())
})

test('S17: a service that lets everybody wait takes no more than its share', async t => {
  const { guardOf } = guards()
  const orders = guardOf('orders')
  for (let i = 0; i < 512; i += 1) orders.enter()
  t.throws(() => orders.enter(), { code: 'server.overloaded' })
  t.doesNotThrow(() => guardOf('catalog').enter())
  orders.leave()
  t.doesNotThrow(() => orders.enter())
})
