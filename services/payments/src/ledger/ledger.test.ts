import type { Line, Totals } from '@campus/contracts/events/orders'
import {
  type AnyId,
  asId,
  type CourseId,
  type PriceId,
  type RefundId,
  type UserId,
  type VariantId,
} from '@campus/contracts/ids'
import { test } from 'tap'
import {
  captureEntry,
  type Entry,
  type Posting,
  recognitionEntry,
  reversalEntry,
} from './ledger.ts'

const anyId = asId<AnyId>('0193a1c0-0000-7000-8000-000000000021')
const order = { type: 'order' as const, id: anyId }
const seller = asId<UserId>('0193a1c0-0000-7000-8000-000000000002')
const refundId = asId<RefundId>('0193a1c0-0000-7000-8000-000000000071')
const eur = (amount: number) => ({ amount, currency: 'EUR' })

const goods: Line = {
  lineNo: 1,
  variantId: asId<VariantId>('0193a1c0-0000-7000-8000-000000000012'),
  priceId: asId<PriceId>('0193a1c0-0000-7000-8000-000000000013'),
  kind: 'physical',
  quantity: 1,
  unitPrice: eur(1_000),
  discount: eur(0),
  tax: eur(0),
  total: eur(1_000),
}
const course = (amount: number, sellerId: UserId | null = seller): Line => ({
  ...goods,
  lineNo: 2,
  kind: 'course',
  courseId: asId<CourseId>('0193a1c0-0000-7000-8000-000000000014'),
  ...(sellerId !== null && { sellerId }),
  unitPrice: eur(amount),
  total: eur(amount),
})

function confirmed(lines: Line[], shippingMinor = 0) {
  const sum = lines.reduce((total, line) => total + line.total.amount, 0)
  const totals: Totals = {
    goods: eur(sum),
    discount: eur(0),
    tax: eur(0),
    shipping: eur(shippingMinor),
    total: eur(sum + shippingMinor),
  }
  return { lines, totals }
}

function amounts(entry: Entry | undefined): Record<string, number> {
  return Object.fromEntries((entry?.postings ?? []).map(p => [p.account, p.amount]))
}

function sumOf(postings: readonly Posting[]): number {
  return postings.reduce((sum, { amount }) => sum + amount, 0)
}

test('a capture moves cash against money that is not earned', async t => {
  const entry = captureEntry(order, { captureId: anyId, amount: 2_580, currency: 'EUR' })
  t.same(amounts(entry), { cash: 2_580, [`unearned:order:${anyId}`]: -2_580 })
  t.equal(entry.source, `capture:${anyId}`)
})

test('a captured fine is revenue at once', async t => {
  const fine = { type: 'fine' as const, id: anyId }
  const entry = captureEntry(fine, { captureId: anyId, amount: 300, currency: 'EUR' })
  t.same(amounts(entry), { cash: 300, 'revenue:fines': -300 })
})

const unearned = `unearned:order:${anyId}`
const payable = `payable:seller:${seller}`
const rows = [
  {
    guarantee: 'goods are earned by the store',
    order: confirmed([goods]),
    expected: { [unearned]: 1_000, 'revenue:store': -1_000 },
  },
  {
    guarantee: 'a course is earned by its seller but for a fee of 20 %',
    order: confirmed([course(1_000)]),
    expected: { [unearned]: 1_000, 'revenue:fees': -200, [payable]: -800 },
  },
  {
    guarantee: 'a fee is rounded, and the seller gets the rest',
    order: confirmed([course(999)]),
    expected: { [unearned]: 999, 'revenue:fees': -200, [payable]: -799 },
  },
  {
    guarantee: 'courses of one seller are one posting',
    order: confirmed([course(1_000), { ...course(500), lineNo: 3 }]),
    expected: { [unearned]: 1_500, 'revenue:fees': -300, [payable]: -1_200 },
  },
  {
    guarantee: 'a course without a seller is the store’s own',
    order: confirmed([course(1_000, null)]),
    expected: { [unearned]: 1_000, 'revenue:store': -1_000 },
  },
  {
    guarantee: 'shipping is earned by the store',
    order: confirmed([course(1_000)], 490),
    expected: {
      [unearned]: 1_490,
      'revenue:fees': -200,
      [payable]: -800,
      'revenue:store': -490,
    },
  },
]
for (const row of rows) {
  test(row.guarantee, async t => {
    const entry = recognitionEntry(order, row.order)
    t.same(amounts(entry), row.expected)
    t.equal(sumOf(entry?.postings ?? []), 0)
  })
}

test('a free order books nothing', async t => {
  t.equal(recognitionEntry(order, confirmed([course(0)])), undefined)
})

test('every recognition sums to 0, whatever the amounts', async t => {
  for (let amount = 1; amount < 1_000; amount += 7) {
    const entry = recognitionEntry(order, confirmed([goods, course(amount)], amount % 3))
    t.equal(sumOf(entry?.postings ?? []), 0, String(amount))
  }
})

test('a full refund leaves every account of its order at 0', async t => {
  const booked = [
    ...captureEntry(order, { captureId: anyId, amount: 2_000, currency: 'EUR' }).postings,
    ...(recognitionEntry(order, confirmed([goods, course(1_000)]))?.postings ?? []),
  ]
  const sums = new Map<string, number>()
  for (const { account, amount } of booked) sums.set(account, (sums.get(account) ?? 0) + amount)
  const balances = [...sums].map(([account, amount]) => ({ account, amount, currency: 'EUR' }))
  const { postings } = reversalEntry(order, { kind: 'refund', id: refundId }, 2_000, balances)
  for (const { account, amount } of postings) sums.set(account, (sums.get(account) ?? 0) + amount)
  t.same([...new Set(sums.values())], [0])
  t.equal(sumOf(postings), 0)
  t.notOk(postings.some(({ amount }) => amount === 0))
})

test('refunds take each account’s share and leave nothing over, however they are cut', async t => {
  for (let part = 1; part <= 333; part += 1) {
    const sums = new Map(
      [
        { account: 'cash', amount: 1_999 },
        { account: 'revenue:store', amount: -1_000 },
        { account: 'revenue:fees', amount: -200 },
        { account: payable, amount: -799 },
      ].map(({ account, amount }) => [account, amount]),
    )
    while ((sums.get('cash') ?? 0) > 0) {
      const balances = [...sums].map(([account, amount]) => ({ account, amount, currency: 'EUR' }))
      const amount = Math.min(part, sums.get('cash') ?? 0)
      const entry = reversalEntry(order, { kind: 'refund', id: refundId }, amount, balances)
      if (sumOf(entry.postings) !== 0) t.fail(`${part} does not balance`)
      for (const posting of entry.postings) {
        sums.set(posting.account, (sums.get(posting.account) ?? 0) + posting.amount)
      }
      const owed = [...sums].filter(([account, rest]) => account !== 'cash' && rest > 0)
      if (owed.length > 0) t.fail(`${part} takes more from an account than it holds`)
    }
    t.same(new Set(sums.values()), new Set([0]), String(part))
  }
})

test('more than there is never goes back', async t => {
  const balances = captureEntry(order, { captureId: anyId, amount: 100, currency: 'EUR' }).postings
  t.throws(() => reversalEntry(order, { kind: 'refund', id: refundId }, 101, balances), RangeError)
})
