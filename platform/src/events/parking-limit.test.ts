import { test } from 'tap'
import { createParkingLimit } from './parking-limit.ts'

test('a few parked events among many stop nobody', async t => {
  const limit = createParkingLimit()
  limit.note({ applied: 1_000, parked: 19 }, 0)
  t.equal(limit.exceeded(1), undefined)
  limit.note({ applied: 0, parked: 31 }, 2)
  t.equal(limit.exceeded(3), undefined, '50 of 1,050 are less than 5 %')
})

test('more than 5 % parked in 5 minutes is too much', async t => {
  const limit = createParkingLimit()
  limit.note({ applied: 300, parked: 20 }, 0)
  t.equal(limit.exceeded(1), '20 of 320 events parked in 5 minutes')
  t.equal(limit.exceeded(5 * 60_000 + 1), undefined, 'the past is forgotten')
})

test('more than 500 parked in 5 minutes are too many, whatever the share', async t => {
  const limit = createParkingLimit()
  for (let second = 0; second < 100; second += 1) {
    limit.note({ applied: 10_000, parked: 6 }, second * 1_000)
  }
  t.match(limit.exceeded(100_000), /^600 of/)
  limit.clear()
  t.equal(limit.exceeded(100_000), undefined)
})
