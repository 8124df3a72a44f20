/** Numbers that depend on a seed only, so that a run can be repeated. */
export interface Random {
  /** In [0, 1). */
  next(): number
  /** An integer in [0, below). */
  below(count: number): number
  pick<T>(items: readonly [T, ...T[]]): T
  /** A waiting time whose mean is `mean`: arrivals that know nothing of each other. */
  wait(mean: number): number
}

/** @see https://github.com/bryc/code/blob/master/jshash/PRNGs.md#mulberry32 */
export function seededRandom(seed: number): Random {
  let state = seed >>> 0

  function next(): number {
    state = (state + 0x6d_2b_79_f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }

  const below = (count: number) => Math.floor(next() * count)
  return {
    next,
    below,
    pick: items => items[below(items.length)] ?? items[0],
    wait: mean => -Math.log(1 - next()) * mean,
  }
}
