import type { CartId, UserId, VariantId } from '@campus/contracts/ids'
import { type Money, multiply, sum } from '@campus/contracts/money'
import { refuseAll } from '@campus/platform/errors'
import type { Offer, Offers } from '../assortment/offer.ts'
import { refuse } from '../errors.ts'

/** Different variants in one cart at most. */
export const cartLinesMax = 100

/** Units of one variant at most. */
export const quantityMax = 1000

export interface CartLine {
  readonly variantId: VariantId
  readonly quantity: number
}

/** What somebody means to buy; lines in the order in which they were added. */
export interface Cart {
  readonly id: CartId
  /** null for a guest's cart, which is reached by a token. */
  readonly userId: UserId | null
  readonly state: 'open' | 'checked_out' | 'merged' | 'abandoned'
  /** Raised by each change; the ETag. */
  readonly version: number
  /** Code of the coupon that the buyer has put in, in capital letters, whether it holds or not. */
  readonly coupon: string | null
  readonly lines: readonly CartLine[]
}

/** How a guest's cart and an account's cart become one. */
export type Strategy = 'sum' | 'max' | 'keepUser' | 'keepGuest'

/** A line with what it costs now; `offer` is null while the variant is not for sale. */
export interface PricedLine extends CartLine {
  readonly offer: Offer | null
  readonly total: Money | null
}

/** @throws AppError `orders.cart_not_open` */
export function requireOpen({ state }: Cart): void {
  refuseAll(state === 'open' ? [] : [refuse.cart_not_open({ state })])
}

/**
 * The lines once `variantId` is in the cart `quantity` times; 0 takes it out.
 *
 * @throws AppError `orders.cart_full`
 */
export function withQuantity(
  lines: readonly CartLine[],
  variantId: VariantId,
  quantity: number,
): CartLine[] {
  if (quantity === 0) return lines.filter(line => line.variantId !== variantId)
  const isNew = lines.every(line => line.variantId !== variantId)
  if (!isNew)
    return lines.map(line => (line.variantId === variantId ? { ...line, quantity } : line))
  refuseAll(lines.length >= cartLinesMax ? [refuse.cart_full()] : [])
  return [...lines, { variantId, quantity }]
}

/** Joins two carts; quantities and lines stay within the limits of one cart. */
export function merged(
  ofUser: readonly CartLine[],
  ofGuest: readonly CartLine[],
  strategy: Strategy,
): CartLine[] {
  switch (strategy) {
    case 'keepUser':
      return [...ofUser]
    case 'keepGuest':
      return [...ofGuest]
    case 'sum':
      return joined(ofUser, ofGuest, (a, b) => a + b)
    case 'max':
      return joined(ofUser, ofGuest, Math.max)
  }
}

function joined(
  ofUser: readonly CartLine[],
  ofGuest: readonly CartLine[],
  combine: (a: number, b: number) => number,
): CartLine[] {
  const quantities = new Map(ofUser.map(line => [line.variantId, line.quantity]))
  for (const { variantId, quantity } of ofGuest) {
    const present = quantities.get(variantId)
    const wanted = present === undefined ? quantity : combine(present, quantity)
    quantities.set(variantId, Math.min(wanted, quantityMax))
  }
  return [...quantities]
    .slice(0, cartLinesMax)
    .map(([variantId, quantity]) => ({ variantId, quantity }))
}

/** What each line costs by the offers of the moment. */
export function priced(lines: readonly CartLine[], offers: Offers): PricedLine[] {
  return lines.map(line => {
    const offer = offers.get(line.variantId) ?? null
    return { ...line, offer, total: offer && multiply(offer.unitPrice, line.quantity) }
  })
}

/**
 * Sum of the lines that are for sale, in minor units of their currency.
 *
 * @throws AppError `orders.currency_mixed`
 */
export function totalOf(lines: readonly PricedLine[], currency = 'EUR'): Money {
  const totals = lines.flatMap(({ total }) => total ?? [])
  const currencies = new Set(totals.map(total => total.currency))
  refuseAll(currencies.size > 1 ? [refuse.currency_mixed({ currencies: [...currencies] })] : [])
  return sum(totals, totals[0]?.currency ?? currency)
}
