import { asId, type PriceId, type PromotionId, type VariantId } from '@campus/contracts/ids'
import { test } from 'tap'
import type { PricedLine } from '../cart/cart.ts'
import { judge } from './coupon.ts'
import type { Promotion } from './promotion.ts'

const id = (n: number) => `0193a1c0-0000-7000-8000-${String(n).padStart(12, '0')}`
const mug = asId<VariantId>(id(1))
const book = asId<VariantId>(id(2))
const now = new Date('2026-06-01T12:00:00.000Z')
const earlier = new Date('2026-05-01T00:00:00.000Z')
const later = new Date('2026-07-01T00:00:00.000Z')
const eur = (amount: number) => ({ amount, currency: 'EUR' })

function line(variantId: VariantId, unitPrice: number, quantity = 1, currency = 'EUR'): PricedLine {
  const offer = {
    variantId,
    priceId: asId<PriceId>(id(9)),
    title: 'Mug',
    kind: 'physical' as const,
    courseId: null,
    sellerId: null,
    unitPrice: { amount: unitPrice, currency },
  }
  return { variantId, quantity, offer, total: { amount: unitPrice * quantity, currency } }
}
const notForSale: PricedLine = { variantId: book, quantity: 1, offer: null, total: null }

const summer: Promotion = {
  id: asId<PromotionId>(id(3)),
  code: 'SUMMER',
  name: 'Summer',
  action: { kind: 'percent', percent: 10 },
  conditions: {},
  usageLimit: null,
  perCustomer: null,
  usedCount: 0,
  startsAt: null,
  endsAt: null,
  version: 1,
  createdAt: earlier,
  updatedAt: earlier,
}

interface Row {
  readonly name: string
  readonly promotion?: Partial<Promotion>
  readonly redeemedCount?: number
  readonly lines?: readonly PricedLine[]
  readonly reasons?: readonly string[]
  readonly discounts: readonly number[]
}
const tenEuros: Promotion['action'] = {
  kind: 'amount',
  amount: eur(1_000),
}
const rows: readonly Row[] = [
  { name: 'without conditions it holds for everything', discounts: [258] },
  {
    name: 'it holds from its first moment on',
    promotion: { startsAt: now, endsAt: later },
    discounts: [258],
  },
  {
    name: 'it does not hold before',
    promotion: { startsAt: later },
    reasons: ['not_started'],
    discounts: [0],
  },
  {
    name: 'at its end it has ended',
    promotion: { endsAt: now },
    reasons: ['ended'],
    discounts: [0],
  },
  {
    name: 'what was ended before it began has ended',
    promotion: { startsAt: later, endsAt: earlier },
    reasons: ['ended'],
    discounts: [0],
  },
  {
    name: 'the last use is one',
    promotion: { usageLimit: 10, usedCount: 9 },
    discounts: [258],
  },
  {
    name: 'after it there is none',
    promotion: { usageLimit: 10, usedCount: 10 },
    reasons: ['exhausted'],
    discounts: [0],
  },
  {
    name: 'an account uses it as often as it may',
    promotion: { perCustomer: 2 },
    redeemedCount: 1,
    discounts: [258],
  },
  {
    name: 'and no oftener',
    promotion: { perCustomer: 2 },
    redeemedCount: 2,
    reasons: ['used_up'],
    discounts: [0],
  },
  {
    name: 'goods that are worth the minimum are enough',
    promotion: { conditions: { minimumGoods: eur(2_580) } },
    discounts: [258],
  },
  {
    name: 'a cent less is not',
    promotion: { conditions: { minimumGoods: eur(2_581) } },
    reasons: ['minimum'],
    discounts: [0],
  },
  {
    name: 'goods that it is not for count for the minimum, too',
    promotion: { conditions: { minimumGoods: eur(3_000), variantIds: [mug] } },
    lines: [line(mug, 1_000), line(book, 2_000)],
    discounts: [100, 0],
  },
  {
    name: 'goods of another currency do not',
    promotion: { conditions: { minimumGoods: eur(100) } },
    lines: [line(mug, 1_290, 2, 'USD')],
    reasons: ['minimum'],
    discounts: [0],
  },
  {
    name: 'only what it is for gets cheaper',
    promotion: { conditions: { variantIds: [book] } },
    lines: [line(mug, 1_290), line(book, 2_000)],
    discounts: [0, 200],
  },
  {
    name: 'nothing that it is for, no discount',
    promotion: { conditions: { variantIds: [book] } },
    reasons: ['no_line'],
    discounts: [0],
  },
  {
    name: 'what is not for sale does not count',
    promotion: { conditions: { variantIds: [book] } },
    lines: [line(mug, 1_290), notForSale],
    reasons: ['no_line'],
    discounts: [0, 0],
  },
  {
    name: 'an amount is not taken off another currency',
    promotion: { action: tenEuros },
    lines: [line(mug, 1_290, 2, 'USD')],
    reasons: ['no_line'],
    discounts: [0],
  },
  {
    name: 'what takes nothing off does not hold, so that it is not used up',
    promotion: { action: { kind: 'percent', percent: 1 } },
    lines: [line(mug, 49)],
    reasons: ['no_line'],
    discounts: [0],
  },
  {
    name: 'an empty cart has nothing for it',
    lines: [],
    reasons: ['no_line'],
    discounts: [],
  },
  {
    name: 'all reasons are told',
    promotion: {
      endsAt: earlier,
      usageLimit: 1,
      usedCount: 1,
      perCustomer: 1,
      conditions: { minimumGoods: eur(9_999), variantIds: [book] },
    },
    redeemedCount: 1,
    reasons: ['ended', 'minimum', 'exhausted', 'used_up', 'no_line'],
    discounts: [0],
  },
]
for (const { name, promotion = {}, redeemedCount = 0, lines, reasons = [], discounts } of rows) {
  test(`a coupon: ${name}`, async t => {
    const coupon = { promotion: { ...summer, ...promotion }, redeemedCount }
    const verdict = judge('SUMMER', coupon, lines ?? [line(mug, 1_290, 2)], now)
    t.same(
      verdict.reasons.map(({ code }) => code),
      reasons.map(reason => `orders.coupon_${reason}`),
    )
    t.same(verdict.discounts, discounts)
    t.equal(verdict.promotionId, summer.id)
  })
}

test('a coupon: the missing amount is told', async t => {
  const promotion = { ...summer, conditions: { minimumGoods: eur(3_000) } }
  const { reasons } = judge('SUMMER', { promotion, redeemedCount: 0 }, [line(mug, 1_290, 2)], now)
  t.same(reasons[0]?.details, { missing: eur(420) })
})

test('a coupon: without a promotion it is unknown and takes nothing off', async t => {
  const verdict = judge('NOTHING', undefined, [line(mug, 1)], now)
  t.match(verdict, { promotionId: null, discounts: [0] })
  t.equal(verdict.reasons[0]?.code, 'orders.coupon_unknown')
})
