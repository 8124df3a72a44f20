import { test } from 'tap'
import { seededRandom } from './random.ts'

test('random numbers are spread evenly, weights are kept, and waiting times have their mean', async t => {
  const random = seededRandom(1)
  const buckets = Array.from({ length: 10 }, () => 0)
  let waited = 0
  for (let n = 0; n < 10_000; n += 1) {
    const bucket = random.below(10)
    buckets[bucket] = (buckets[bucket] ?? 0) + 1
    waited += random.wait(5)
  }
  t.ok(
    buckets.every(count => count > 850 && count < 1_150),
    buckets.join(' '),
  )
  t.ok(Math.abs(waited / 10_000 - 5) < 0.25)
  const drawn = Array.from({ length: 10_000 }, () =>
    random.weigh([
      ['often', 9],
      ['never', 0],
      ['seldom', 1],
    ]),
  )
  const seldom = drawn.filter(one => one === 'seldom').length
  t.ok(seldom > 850 && seldom < 1_150, `${seldom}`)
  t.notOk(drawn.includes('never'))
  t.throws(() => random.pick([]), /nothing to choose/)
  t.throws(() => random.weigh([]), RangeError)
})
