import { type Money, subtract } from '@campus/contracts/money'
import type { Verdict } from '../promotions/coupon.ts'
import { type PricedLine, totalOf } from './cart.ts'

/** A line with its part of the discount. */
export interface QuotedLine extends PricedLine {
  readonly discount: Money
  /** What the buyer pays for the line; null while the variant is not for sale. */
  readonly total: Money | null
}

/** What a cart costs. Shown to the buyer and, at checkout, compared with what the buyer was shown. */
export interface Quote {
  readonly lines: readonly QuotedLine[]
  readonly goods: Money
  readonly discount: Money
  readonly total: Money
  readonly coupon: Verdict | null
}

/**
 * What priced lines cost with what a coupon does to them.
 *
 * @param currency that of a cart in which nothing has a price
 * @throws AppError `orders.currency_mixed`
 */
export function quoteOf(
  priced: readonly PricedLine[],
  coupon: Verdict | null,
  currency = 'EUR',
): Quote {
  const goods = totalOf(priced, currency)
  const off = (amount: number): Money => ({ amount, currency: goods.currency })
  const lines = priced.map((line, i) => {
    const discount = off(coupon?.discounts[i] ?? 0)
    return { ...line, discount, total: line.total && subtract(line.total, discount) }
  })
  const discount = off(lines.reduce((sum, line) => sum + line.discount.amount, 0))
  return { lines, goods, discount, total: subtract(goods, discount), coupon }
}
