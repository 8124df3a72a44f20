import { uniformFloat64 } from 'pure-rand/distribution/uniformFloat64'
import { uniformInt } from 'pure-rand/distribution/uniformInt'
import { mersenne } from 'pure-rand/generator/mersenne'

/** Chance that repeats: the same seed draws the same numbers. */
export interface Random {
  /** In [0, 1). */
  next(): number
  /** A whole number from 0 to below `max`, which is at least 1. */
  below(max: number): number
  /** Whether something happens that happens in `share` of all cases. */
  chance(share: number): boolean
  /** @throws RangeError when there is nothing to choose from */
  pick<T>(choices: readonly T[]): T
  /**
   * Picks by weight: whole numbers, relative to each other.
   *
   * @throws RangeError when there is nothing to choose from
   */
  weigh<T>(choices: readonly (readonly [T, number])[]): T
  /** A waiting time whose mean is `mean`: arrivals that know nothing of each other. */
  wait(mean: number): number
}

export function seededRandom(seed: number): Random {
  const generator = mersenne(seed)
  const next = () => uniformFloat64(generator)
  const below = (max: number) => uniformInt(generator, 0, max - 1)

  function weigh<T>(choices: readonly (readonly [T, number])[]): T {
    let left = below(choices.reduce((sum, [, weight]) => sum + weight, 0))
    for (const [choice, weight] of choices) {
      left -= weight
      if (left < 0) return choice
    }
    throw new RangeError('There is nothing to choose from.')
  }

  return {
    next,
    below,
    chance: share => next() < share,
    pick: choices => weigh(choices.map(choice => [choice, 1])),
    weigh,
    wait: mean => -Math.log(1 - next()) * mean,
  }
}
