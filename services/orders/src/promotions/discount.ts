import { apportion } from '@campus/contracts/money'
import type { Action } from './promotion.ts'

// Amounts are minor units. A hundred times a sum of them may leave the safe integers: BigInt keeps every cent.

/**
 * What an action takes off each of the amounts that it is for. A percentage is rounded half up once,
 * on the sum of the amounts, and then shared out; an amount never takes off more than there is.
 *
 * @param amounts minor units of each line, 0 for a line that it is not for
 * @returns minor units off each line, in the same order, never more than the line
 */
export function discountsOf(action: Action, amounts: readonly number[]): number[] {
  const whole = amounts.reduce((sum, amount) => sum + BigInt(amount), 0n)
  return apportion(Number(wholeOf(action, whole)), amounts)
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
