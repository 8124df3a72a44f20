import { test } from 'tap'
import { createMetrics } from './metrics.ts'

test('metrics are labelled by service and asking twice answers the same one', async t => {
  const metrics = createMetrics({ service: 'orders' })
  metrics.counter('orders_total', 'Orders.', ['kind']).inc({ kind: 'a' })
  metrics.counter('orders_total', 'Orders.', ['kind']).inc({ kind: 'a' })
  metrics.histogram('step_seconds', 'Steps.').observe(0.02)
  const text = await metrics.render()
  t.match(text, 'orders_total{kind="a",service="orders"} 2')
  t.match(text, 'step_seconds_bucket{le="0.025",service="orders"} 1')
  t.match(text, 'process_cpu_seconds_total')
})

test('a gauge that collects is set at each scrape', async t => {
  const metrics = createMetrics({ service: 'orders' })
  let depth = 1
  metrics.gauge('queue_depth', 'Depth.', [], gauge => gauge.set(depth))
  depth = 7
  t.match(await metrics.render(), 'queue_depth{service="orders"} 7')
})

test('one name cannot be two kinds of metric', t => {
  const metrics = createMetrics({ service: 'orders' })
  metrics.counter('things_total', 'Things.')
  t.throws(() => metrics.gauge('things_total', 'Things.'), TypeError)
  t.end()
})
