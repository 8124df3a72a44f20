import { asId, type PriceId, type PromotionId, type VariantId } from '@campus/contracts/ids'
import { AppError } from '@campus/platform/errors'
import { array, assert, boolean, integer, property, record } from 'fast-check'
import { test } from 'tap'
import type { PricedLine } from '../cart/cart.ts'
import { quoteOf } from '../cart/quote.ts'
import { refuse } from '../errors.ts'
import type { Verdict } from '../promotions/coupon.ts'
import { discountsOf } from '../promotions/discount.ts'
import type { Action } from '../promotions/promotion.ts'
import { decidePlacement } from './order.ts'

const id = (n: number) => `0193a1c0-0000-7000-8000-${String(n).padStart(12, '0')}`
const eur = (amount: number) => ({ amount, currency: 'EUR' })
const open = { state: 'open' } as const
const promotionId = asId<PromotionId>(id(1))

function line(n: number, unitPrice: number, quantity: number): PricedLine {
  const variantId = asId<VariantId>(id(100 + n))
  const offer = {
    variantId,
    priceId: asId<PriceId>(id(200 + n)),
    title: 'Mug',
    kind: 'physical' as const,
    courseId: null,
    sellerId: null,
    unitPrice: eur(unitPrice),
  }
  return { variantId, quantity, offer, total: eur(unitPrice * quantity) }
}
const wanted = [line(1, 1_290, 2), line(2, 500, 1)]
const holding: Verdict = { code: 'SUMMER', promotionId, reasons: [], discounts: [258, 50] }
const fallen: Verdict = { ...holding, reasons: [refuse.coupon_ended()], discounts: [0, 0] }

test('the discount is part of each line and of the totals', async t => {
  const { lines, totals } = decidePlacement(open, wanted, eur(2_772), holding)
  t.match(totals, { goods: eur(3_080), discount: eur(308), total: eur(2_772) })
  t.match(lines, [
    { unitPrice: eur(1_290), quantity: 2, discount: eur(258), total: eur(2_322) },
    { unitPrice: eur(500), quantity: 1, discount: eur(50), total: eur(450) },
  ])
})

test('a coupon that has stopped holding is told beside the total that has changed', async t => {
  try {
    decidePlacement(open, wanted, eur(2_772), fallen)
    t.fail('it is refused')
  } catch (error) {
    if (!(error instanceof AppError)) throw error
    t.same(
      error.reasons.map(({ code }) => code),
      ['orders.total_changed', 'orders.coupon_ended'],
    )
    t.match(error.reasons[0]?.details, { expected: eur(2_772), total: eur(3_080) })
  }
})

test('a buyer who has seen that the coupon does not hold pays the full price', async t => {
  const { totals } = decidePlacement(open, wanted, eur(3_080), fallen)
  t.match(totals, { discount: eur(0), total: eur(3_080) })
})

test('a discount that the buyer was not shown changes the total as well', async t => {
  const place = () => decidePlacement(open, wanted, eur(3_080), holding)
  t.throws(place, { code: 'orders.total_changed' })
})

const anyLine = record({
  unitPrice: integer({ min: 0, max: 500_000 }),
  quantity: integer({ min: 1, max: 1_000 }),
  isFor: boolean(),
})

test('O3: lines less discounts are the total, to the cent, whatever the coupon', async t => {
  assert(
    property(
      array(anyLine, { minLength: 1, maxLength: 100 }),
      boolean(),
      integer({ min: 1, max: 1_000_000 }),
      (made, isPercent, size) => {
        const action: Action = isPercent
          ? { kind: 'percent', percent: 1 + (size % 100) }
          : { kind: 'amount', amount: eur(size) }
        const lines = made.map(({ unitPrice, quantity }, i) => line(i, unitPrice, quantity))
        const amounts = made.map(({ unitPrice, quantity, isFor }) =>
          isFor ? unitPrice * quantity : 0,
        )
        const discounts = discountsOf(action, amounts)
        const coupon: Verdict = { code: 'SUMMER', promotionId, reasons: [], discounts }
        const shown = quoteOf(lines, coupon)
        const placed = decidePlacement(open, lines, shown.total, coupon)
        let [goods, discount, total] = [0, 0, 0]
        for (const one of placed.lines) {
          goods += one.unitPrice.amount * one.quantity
          discount += one.discount.amount
          total += one.total.amount
          if (one.total.amount !== one.unitPrice.amount * one.quantity - one.discount.amount) {
            t.fail('a line does not add up')
          }
          if (one.total.amount < 0) t.fail('a line is below zero')
        }
        t.same(placed.totals, {
          goods: eur(goods),
          discount: eur(discount),
          tax: eur(0),
          shipping: eur(0),
          total: eur(total),
        })
        t.equal(total, goods - discount)
      },
    ),
    { numRuns: 200 },
  )
})
