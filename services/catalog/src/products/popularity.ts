/** A sale counts half as much after this time. */
const halfLifeMs = 7 * 86_400_000
/** The moment at which a unit weighs 1. */
const epochMs = Date.UTC(2026, 0)

/**
 * What a unit that is sold at `at` adds to the popularity of its product.
 *
 * Instead of halving all old sales each week, new ones weigh twice as much: the order is the same, and
 * nothing has to be written again. A double holds that for some 19 years from 2026.
 */
export function weightOf(at: Date): number {
  return 2 ** ((at.getTime() - epochMs) / halfLifeMs)
}
