import type { PromotionId } from '@campus/contracts/ids'
import type { Reason } from '@campus/platform/errors'
import type { PricedLine } from '../cart/cart.ts'
import { refuse } from '../errors.ts'
import { discountsOf } from './discount.ts'
import { isExhausted, type Promotion } from './promotion.ts'

/** A promotion as one buyer finds it. */
export interface Coupon {
  readonly promotion: Promotion
  /** How often the buyer's account uses it already; 0 for a guest. */
  readonly redeemedCount: number
}

/** What a coupon does to the lines of a cart. */
export interface Verdict {
  readonly code: string
  /** null when there is no such promotion. */
  readonly promotionId: PromotionId | null
  /** Why it does nothing; empty while it holds. */
  readonly reasons: readonly Reason[]
  /** Minor units off each line, in the order of the lines. */
  readonly discounts: readonly number[]
}

/**
 * Whether a coupon holds for these lines at `now`, and what it takes off each of them. One that takes
 * nothing off does not hold: it would be used up for nothing.
 *
 * @param coupon undefined when no promotion has this code
 * @returns all reasons against it: `orders.coupon_unknown`, `coupon_not_started`, `coupon_ended`,
 *   `coupon_exhausted`, `coupon_used_up`, `coupon_minimum` with the missing amount, `coupon_no_line`
 */
export function judge(
  code: string,
  coupon: Coupon | undefined,
  lines: readonly PricedLine[],
  now: Date,
): Verdict {
  const nothing = lines.map(() => 0)
  if (coupon === undefined) {
    return { code, promotionId: null, reasons: [refuse.coupon_unknown()], discounts: nothing }
  }
  const { promotion, redeemedCount } = coupon
  const amounts = lines.map(line => amountFor(promotion, line))
  const discounts = discountsOf(promotion.action, amounts)
  const reasons = [...periodReasons(promotion, now), ...minimumReasons(promotion, lines)]
  if (isExhausted(promotion)) reasons.push(refuse.coupon_exhausted())
  if (promotion.perCustomer !== null && redeemedCount >= promotion.perCustomer) {
    reasons.push(refuse.coupon_used_up())
  }
  if (discounts.every(discount => discount === 0)) reasons.push(refuse.coupon_no_line())
  const promotionId = promotion.id
  return { code, promotionId, reasons, discounts: reasons.length === 0 ? discounts : nothing }
}

/** Minor units of a line that the promotion is for; 0 when it is not for the line. */
function amountFor({ action, conditions }: Promotion, { variantId, total }: PricedLine): number {
  if (total === null) return 0
  if (action.kind === 'amount' && action.amount.currency !== total.currency) return 0
  const { variantIds } = conditions
  return variantIds === undefined || variantIds.includes(variantId) ? total.amount : 0
}

function periodReasons({ startsAt, endsAt }: Promotion, now: Date): Reason[] {
  // One that was ended before it began will not begin any more.
  if (endsAt !== null && endsAt <= now) return [refuse.coupon_ended({ to: endsAt.toISOString() })]
  return startsAt !== null && startsAt > now
    ? [refuse.coupon_not_started({ from: startsAt.toISOString() })]
    : []
}

function minimumReasons({ conditions }: Promotion, lines: readonly PricedLine[]): Reason[] {
  const { minimumGoods } = conditions
  if (minimumGoods === undefined) return []
  const { amount, currency } = minimumGoods
  // Goods of another currency do not count.
  const goods = lines.flatMap(({ total }) => (total?.currency === currency ? [total.amount] : []))
  const missing = amount - goods.reduce((sum, one) => sum + one, 0)
  return missing > 0 ? [refuse.coupon_minimum({ missing: { amount: missing, currency } })] : []
}
