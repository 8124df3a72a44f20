import { test } from 'tap'
import { seededRandom } from './random.ts'
import { faults, makeSchedule } from './schedule.ts'

const options = { seed: 7, durationMs: 600_000, everyMs: 3_000 }

test('one seed is one schedule, and another seed is another', async t => {
  t.same(makeSchedule(options), makeSchedule(options))
  t.notSame(makeSchedule({ ...options, seed: 8 }), makeSchedule(options))
})

test('a schedule keeps its pace, is in order, and holds every kind of fault', async t => {
  const schedule = makeSchedule(options)
  t.ok(schedule.length > 150 && schedule.length < 260, `${schedule.length} faults`)
  t.same(
    schedule.map(({ atMs }) => atMs),
    schedule.map(({ atMs }) => atMs).toSorted((a, b) => a - b),
  )
  t.same(new Set(schedule.map(({ fault }) => fault)), new Set(Object.keys(faults)))
  t.ok(
    schedule.some(({ forMs }) => forMs === 120_000),
    'the broker is away for two minutes once',
  )
})

test('random numbers are spread evenly, and waiting times have their mean', async t => {
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
})
