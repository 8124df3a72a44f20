import { t as file, test } from 'tap'
import { runChaos } from '../tools/prove/chaos/chaos.ts'

file.setTimeout(400_000)

test('a short chaos run loses nothing, doubles nothing and leaves nothing stuck', async t => {
  t.setTimeout(380_000)
  const options = { seed: 4, duration: 20, every: 1, rate: 3, buyers: 40 }
  const { faults, history, verdict } = await runChaos(t, options, line => t.comment(line))
  t.comment(`${JSON.stringify(faults)}; ${history.writes.acknowledged} writes acknowledged`)
  t.ok(Object.values(faults).reduce((sum, n) => sum + n, 0) >= 10)
  t.ok(history.orders.size > 10)
  t.same(verdict.violations, [])
})
