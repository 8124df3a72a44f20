import type { Line, Totals } from '@campus/contracts/events/orders'
import type { AddressId, CartId, OrderId, PaymentMethodId, UserId } from '@campus/contracts/ids'
import { equals, type Money, zero } from '@campus/contracts/money'
import { refuseAll } from '@campus/platform/errors'
import type { Cart, PricedLine } from '../cart/cart.ts'
import { type Quote, type QuotedLine, quoteOf } from '../cart/quote.ts'
import { refuse } from '../errors.ts'
import type { Verdict } from '../promotions/coupon.ts'
import type { Noted } from './noted.ts'
import { isUntouched, type LineProgress } from './progress.ts'
import type { Saga } from './saga-state.ts'

/** An order: what was bought, frozen at placement, and how far its checkout is. */
export interface Order {
  readonly id: OrderId
  readonly cartId: CartId
  readonly userId: UserId
  readonly addressId: AddressId | null
  readonly paymentMethodId: PaymentMethodId | null
  /** The code that took something off. */
  readonly coupon: string | null
  readonly totals: Totals
  readonly placedAt: Date
  readonly confirmedAt: Date | null
  readonly updatedAt: Date
  /** Raised by each change; the ETag. */
  readonly version: number
  readonly correlationId: string
  readonly saga: Saga
  /** The last happenings, the oldest first. */
  readonly happenings: readonly Noted[]
}

/** Whether anything of an order has arrived, so that it may be given back. */
export function mayHaveReturns({ saga: { lines } }: Pick<Order, 'saga'>): boolean {
  return lines.some(({ delivered }) => delivered > 0)
}

/**
 * The lines and totals of an order for `cart` at the prices of the moment.
 *
 * @param expected what the buyer was shown and agreed to, with the discount (O4)
 * @param coupon what the coupon in the cart does; the reasons against it stand beside `total_changed`
 * @throws AppError with every reason that holds: `orders.cart_not_open`, `orders.cart_empty`,
 *   `orders.variant_unavailable`, `orders.total_changed`
 */
export function decidePlacement(
  { state }: Pick<Cart, 'state'>,
  lines: readonly PricedLine[],
  expected: Money,
  coupon: Verdict | null = null,
): { readonly lines: Line[]; readonly totals: Totals } {
  const quote = quoteOf(lines, coupon, expected.currency)
  const { total } = quote
  const reasons = []
  if (state !== 'open') reasons.push(refuse.cart_not_open({ state }))
  if (lines.length === 0) reasons.push(refuse.cart_empty())
  for (const { variantId, offer } of lines) {
    if (offer === null) reasons.push(refuse.variant_unavailable({ variantId }))
  }
  if (lines.length > 0 && !equals(total, expected)) {
    reasons.push(
      refuse.total_changed({
        expected,
        total,
        lines: quote.lines.map(line => ({ variantId: line.variantId, total: line.total })),
      }),
      ...(coupon?.reasons ?? []),
    )
  }
  refuseAll(reasons)
  return { lines: quote.lines.flatMap((line, i) => toLine(line, i + 1)), totals: totalsOf(quote) }
}

/** Whether somebody may look at an order: its owner and staff (O8). */
export function maySee(
  { userId }: Pick<Order, 'userId'>,
  who: { readonly userId: string; readonly roles: readonly string[] },
): boolean {
  return who.userId === userId || who.roles.includes('admin')
}

/** How far the lines of a new order are: nowhere. */
export function progressOf(lines: readonly Line[]): LineProgress[] {
  return lines.map(({ lineNo, kind, courseId, quantity, total }) => ({
    lineNo,
    kind,
    courseId: courseId ?? null,
    quantity,
    totalMinor: total.amount,
    shipped: 0,
    delivered: 0,
    deliveredAt: null,
  }))
}

function toLine({ offer, quantity, discount, total }: QuotedLine, lineNo: number): Line[] {
  if (offer === null || total === null) return []
  return [
    {
      lineNo,
      variantId: offer.variantId,
      priceId: offer.priceId,
      kind: offer.kind,
      ...(offer.courseId !== null && { courseId: offer.courseId }),
      ...(offer.sellerId !== null && { sellerId: offer.sellerId }),
      title: offer.title,
      quantity,
      unitPrice: offer.unitPrice,
      discount,
      tax: zero(total.currency),
      total,
    },
  ]
}

function totalsOf({ goods, discount, total }: Quote): Totals {
  const none = zero(goods.currency)
  return { goods, discount, tax: none, shipping: none, total }
}

/**
 * Whether the order may be cancelled now. One that is cancelled or about to be is not refused: clients
 * retry, so the second call has no effect.
 *
 * @throws AppError with every reason that holds: `orders.line_shipped`, `orders.line_delivered`,
 *   `orders.already_completed`
 */
export function requireCancellable({ saga }: Pick<Order, 'saga'>): void {
  const { state, lines } = saga
  if (state !== 'confirmed' && state !== 'completed') return
  const reasons = []
  if (lines.some(({ shipped }) => shipped > 0)) reasons.push(refuse.line_shipped())
  if (lines.some(({ delivered }) => delivered > 0)) reasons.push(refuse.line_delivered())
  if (state === 'completed' && isUntouched(saga)) reasons.push(refuse.already_completed())
  refuseAll(reasons)
}
