import type { Action } from './promotion.ts'

// Amounts are minor units. Products of two of them leave the safe integers: BigInt keeps every cent.

/**
 * What an action takes off each of the amounts that it is for. A percentage is rounded half up once,
 * on the sum of the amounts, and then shared out; an amount never takes off more than there is.
 *
 * @param amounts minor units of each line, 0 for a line that it is not for
 * @returns minor units off each line, in the same order, never more than the line
 */
export function discountsOf(action: Action, amounts: readonly number[]): number[] {
  const whole = amounts.reduce((sum, amount) => sum + BigInt(amount), 0n)
  return shareOut(wholeOf(action, whole), amounts)
}

function wholeOf(action: Action, whole: bigint): bigint {
  switch (action.kind) {
    case 'percent':
      return (whole * BigInt(action.percent) + 50n) / 100n
    case 'amount': {
      const most = BigInt(action.amount.amount)
      return most < whole ? most : whole
    }
  }
}

/**
 * Shares an amount out in proportion to weights, by largest remainder: the odd cents go to the lines
 * that lost most by rounding down, of equal ones to the first.
 *
 * @param amount at most the sum of the weights, so that no share exceeds its weight
 */
function shareOut(amount: bigint, weights: readonly number[]): number[] {
  const sum = weights.reduce((total, weight) => total + BigInt(weight), 0n)
  if (sum === 0n) return weights.map(() => 0)
  const shares = weights.map((weight, index) => {
    const product = amount * BigInt(weight)
    return { index, floor: product / sum, remainder: product % sum }
  })
  const odd = amount - shares.reduce((total, { floor }) => total + floor, 0n)
  const lucky = new Set(
    shares
      .toSorted((a, b) => Number(b.remainder > a.remainder) - Number(b.remainder < a.remainder))
      .slice(0, Number(odd))
      .map(({ index }) => index),
  )
  return shares.map(({ index, floor }) => Number(floor) + (lucky.has(index) ? 1 : 0))
}
