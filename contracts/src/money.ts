import { type Static, Type } from 'typebox'

/** An amount in minor units of its currency (cents for EUR), never a float. ISO 4217. */
export const Money = Type.Object(
  {
    amount: Type.Integer({
      minimum: -Number.MAX_SAFE_INTEGER,
      maximum: Number.MAX_SAFE_INTEGER,
      description: 'Minor units of the currency, e.g. cents.',
    }),
    currency: Type.String({ pattern: '^[A-Z]{3}$', maxLength: 3, description: 'ISO 4217.' }),
  },
  { additionalProperties: false },
)
export type Money = Static<typeof Money>

/** @throws RangeError when currencies differ or the sum is no safe integer */
export function add(a: Money, b: Money): Money {
  sameCurrency(a, b)
  return { amount: safe(a.amount + b.amount), currency: a.currency }
}

/** @throws RangeError when currencies differ or the difference is no safe integer */
export function subtract(a: Money, b: Money): Money {
  return add(a, { amount: -b.amount, currency: b.currency })
}

/** @throws RangeError when the product is no safe integer */
export function multiply(money: Money, quantity: number): Money {
  return { amount: safe(money.amount * quantity), currency: money.currency }
}

/** Zero of a currency. */
export function zero(currency: string): Money {
  return { amount: 0, currency }
}

/** Adds up; zero of `currency` for an empty list. */
export function sum(amounts: readonly Money[], currency: string): Money {
  return amounts.reduce(add, zero(currency))
}

/** Same amount of the same currency. */
export function equals(a: Money, b: Money): boolean {
  return a.amount === b.amount && a.currency === b.currency
}

/**
 * Shares an amount out in proportion to weights, in whole minor units that sum up to it: the odd ones go to
 * the shares that lost most by rounding down, of equal ones to the first (largest remainder).
 *
 * @throws RangeError when there is something to share out and nobody to get it
 */
export function apportion(amount: number, weights: readonly number[]): number[] {
  const total = weights.reduce((all, weight) => all + BigInt(weight), 0n)
  if (amount === 0) return weights.map(() => 0)
  // Products of two amounts may exceed what a number holds exactly.
  const exact = weights.map(weight => BigInt(amount) * BigInt(weight))
  const shares = exact.map(product => Number(product / total))
  const odd = amount - shares.reduce((all, share) => all + share, 0)
  const byRemainder = exact
    .map((product, i) => ({ i, remainder: product % total }))
    .toSorted(
      (a, b) => Number(b.remainder - a.remainder > 0n) - Number(a.remainder - b.remainder > 0n),
    )
  const favoured = new Set(byRemainder.slice(0, odd).map(({ i }) => i))
  return shares.map((share, i) => (favoured.has(i) ? share + 1 : share))
}

function sameCurrency(a: Money, b: Money): void {
  if (a.currency !== b.currency) throw new RangeError(`${a.currency} and ${b.currency} do not add.`)
}

function safe(amount: number): number {
  if (!Number.isSafeInteger(amount)) throw new RangeError('The amount is no safe integer.')
  return amount
}
