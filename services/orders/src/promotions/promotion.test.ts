import { asId, type PromotionId } from '@campus/contracts/ids'
import { AppError } from '@campus/platform/errors'
import { test } from 'tap'
import { decideChange, type Promotion, type PromotionChange, requireSound } from './promotion.ts'

const eur = (amount: number) => ({ amount, currency: 'EUR' })
const at = (day: number) => new Date(Date.UTC(2026, 5, day))
const used: Promotion = {
  id: asId<PromotionId>('0193a1c0-0000-7000-8000-000000000003'),
  code: 'SUMMER',
  name: 'Summer',
  action: { kind: 'amount', amount: eur(500) },
  conditions: {},
  usageLimit: 100,
  perCustomer: 5,
  usedCount: 40,
  startsAt: at(10),
  endsAt: at(20),
  version: 3,
  createdAt: at(1),
  updatedAt: at(2),
}

function codesOf(work: () => unknown): string[] {
  try {
    work()
    return []
  } catch (error) {
    if (!(error instanceof AppError)) throw error
    return error.reasons.map(({ code }) => code)
  }
}

test('a promotion ends after it begins, and its amounts have one currency', async t => {
  const codes = (change: Partial<Promotion>) => codesOf(() => requireSound({ ...used, ...change }))
  t.same(codes({}), [])
  t.same(codes({ startsAt: null }), [])
  t.same(codes({ endsAt: null }), [])
  t.same(codes({ endsAt: at(10) }), ['orders.period_empty'])
  t.same(codes({ conditions: { minimumGoods: eur(1) } }), [])
  const minimumGoods = { amount: 1, currency: 'USD' }
  t.same(codes({ conditions: { minimumGoods } }), ['orders.amounts_mixed'])
  t.same(codes({ conditions: { minimumGoods }, action: { kind: 'percent', percent: 5 } }), [])
})

const changes: readonly [string, PromotionChange, readonly string[]][] = [
  ['a new name', { name: 'Sun' }, []],
  ['a limit that is just used up', { usageLimit: 40 }, []],
  ['a limit below what is used', { usageLimit: 39 }, ['orders.limit_below_used']],
  ['no limit', { usageLimit: null, perCustomer: null }, []],
  ['as much per customer as the busiest has used', { perCustomer: 2 }, []],
  ['less per customer', { perCustomer: 1 }, ['orders.limit_below_used']],
  ['another end', { endsAt: at(11) }, []],
  ['no end', { endsAt: null }, []],
  ['an end before the beginning', { endsAt: at(9) }, ['orders.period_empty']],
  [
    'everything wrong at once',
    { usageLimit: 1, perCustomer: 1, endsAt: at(1) },
    ['orders.limit_below_used', 'orders.limit_below_used', 'orders.period_empty'],
  ],
]
for (const [name, change, codes] of changes) {
  test(`a change to ${name} ${codes.length === 0 ? 'is made' : 'is refused'}`, async t => {
    t.same(
      codesOf(() => decideChange(used, change, 2)),
      codes,
    )
    if (codes.length === 0) t.same(decideChange(used, change, 2), { ...used, ...change })
  })
}

test('a promotion that was ended before it began may be renamed', async t => {
  const ended = { ...used, endsAt: at(2) }
  t.equal(decideChange(ended, { name: 'Never' }, 0).name, 'Never')
})
