import { array, assert, constantFrom, integer, property } from 'fast-check'
import { test } from 'tap'
import { discountsOf } from './discount.ts'
import type { Action } from './promotion.ts'

const percent = (part: number): Action => ({ kind: 'percent', percent: part })
const off = (amount: number): Action => ({ kind: 'amount', amount: { amount, currency: 'EUR' } })
const sum = (amounts: readonly number[]) => amounts.reduce((total, amount) => total + amount, 0)

const cases: readonly [string, Action, readonly number[], readonly number[]][] = [
  ['a percentage takes its part', percent(10), [1_000, 500], [100, 50]],
  ['half a cent is rounded up, once, on the sum', percent(50), [1, 1, 1], [1, 1, 0]],
  ['less than half a cent is nothing', percent(1), [49], [0]],
  ['half a cent of the whole is a cent', percent(1), [50], [1]],
  ['everything off leaves nothing', percent(100), [999, 1, 0], [999, 1, 0]],
  ['an amount is shared out in proportion', off(300), [1_000, 2_000], [100, 200]],
  ['of equal remainders the first gets the odd cent', off(100), [500, 500, 500], [34, 33, 33]],
  ['the largest remainder gets the odd cent', off(10), [15, 25, 60], [2, 2, 6]],
  ['an amount never takes more than there is', off(5_000), [1_000, 200], [1_000, 200]],
  ['a line that it is not for stays as it is', off(100), [0, 400], [0, 100]],
  ['nothing is taken off nothing', off(100), [0, 0], [0, 0]],
  ['no lines have no discounts', percent(10), [], []],
]
for (const [name, action, amounts, expected] of cases) {
  test(name, async t => t.same(discountsOf(action, amounts), expected))
}

test('the largest amounts there are lose no cent', async t => {
  const most = Number.MAX_SAFE_INTEGER
  const halves = [(most - 1) / 2, (most - 1) / 2, 1]
  t.equal(sum(discountsOf(percent(100), halves)), most)
  t.equal(sum(discountsOf(off(most - 2), halves)), most - 2)
})

const anyAmounts = array(constantFrom(0, 1, 2, 99, 1_290, 4_900, 33_333, 1_000_000_007), {
  minLength: 1,
  maxLength: 100,
})

test('the parts are the whole, each within its line and within a cent of its proportion', async t => {
  assert(
    property(anyAmounts, integer({ min: 1, max: 100 }), (amounts, part) => {
      const whole = Math.floor((sum(amounts) * part + 50) / 100)
      check(discountsOf(percent(part), amounts), amounts, whole)
    }),
    { numRuns: 300 },
  )
  assert(
    property(anyAmounts, integer({ min: 1, max: 2_000_000 }), (amounts, amount) => {
      check(discountsOf(off(amount), amounts), amounts, Math.min(amount, sum(amounts)))
    }),
    { numRuns: 300 },
  )

  function check(parts: readonly number[], amounts: readonly number[], whole: number) {
    t.equal(sum(parts), whole)
    for (const [i, amount] of amounts.entries()) {
      const part = parts[i] ?? -1
      const share = sum(amounts) === 0 ? 0 : (whole * amount) / sum(amounts)
      if (part < 0 || part > amount || Math.abs(part - share) >= 1 + 1e-6) {
        t.fail(`${part} of ${amount}, whose share is ${share}`)
      }
    }
  }
})
