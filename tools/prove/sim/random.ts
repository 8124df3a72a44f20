/** Chance that repeats: the same seed draws the same numbers. */
export interface Random {
  /** A whole number from 0 to below `max`. */
  below(max: number): number
  /** Whether something happens that happens in `share` of all cases. */
  chance(share: number): boolean
  /** @throws RangeError when there is nothing to choose from */
  pick<T>(choices: readonly T[]): T
}

/**
 * Chance from a seed.
 *
 * @see G. Marsaglia, "Xorshift RNGs", Journal of Statistical Software 8 (2003)
 */
export function createRandom(seed: number): Random {
  // Neighbouring seeds must not begin alike, and 0 would stay 0 for ever.
  let state = Math.imul(seed + 1, 0x9e_37_79_b1) || 1
  const next = () => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return state >>> 0
  }
  for (let drawn = 0; drawn < 8; drawn += 1) next()
  const below = (max: number) => next() % max
  return {
    below,
    chance: share => next() < share * 2 ** 32,
    pick<T>(choices: readonly T[]): T {
      const chosen = choices[below(choices.length)]
      if (chosen === undefined) throw new RangeError('There is nothing to choose from.')
      return chosen
    },
  }
}
