import { test } from 'tap'
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
