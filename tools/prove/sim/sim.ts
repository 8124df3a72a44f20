import { CliError } from '../../cli-error.ts'
import { type Run, runSeed } from './run.ts'

/** Options of `campus sim`. */
export interface SimOptions {
  /** So many seeds, from 1 on. */
  readonly seeds: number
  /** Only this one, with all of its steps. */
  readonly seed?: number
  readonly json?: boolean
}

const shownMax = 5

/**
 * Lives through simulated worlds and says which rule was broken in which of them.
 *
 * @throws CliError when one was
 */
export function sim({ seeds, seed, json }: SimOptions): void {
  const began = performance.now()
  const chosen = seed === undefined ? Array.from({ length: seeds }, (_, i) => i + 1) : [seed]
  const failed: Run[] = []
  const met = new Set<string>()
  const ends = new Map<string, number>()
  let stepCount = 0
  for (const one of chosen) {
    const run = runSeed(one)
    stepCount += run.steps.length
    for (const rule of run.met) met.add(rule)
    for (const end of run.ends) ends.set(end, (ends.get(end) ?? 0) + 1)
    if (run.violation !== undefined) failed.push(run)
    if (seed !== undefined && json !== true) say(run.steps)
  }
  const violations = failed.map(({ seed: of, violation, steps }) => ({
    seed: of,
    violation,
    steps,
  }))
  const seconds = (performance.now() - began) / 1_000
  const summary = { seeds: chosen.length, stepCount, seconds, ends: Object.fromEntries(ends) }
  if (json === true) say([JSON.stringify({ ...summary, ruleCount: met.size, violations }, null, 2)])
  else {
    for (const { seed: of, violation } of failed.slice(0, shownMax)) {
      say([`seed ${of}: ${violation}`, `  all steps: campus sim --seed ${of}`])
    }
    say([
      `${chosen.length} seeds, ${stepCount} steps, ${failed.length} violations, ${seconds.toFixed(1)} s`,
      `orders: ${[...ends].map(([end, count]) => `${count} ${end}`).join(', ')}`,
      `rules of the checkout saga that had an effect: ${met.size}`,
    ])
  }
  if (failed.length > 0) throw new CliError(`${failed.length} seeds broke a rule.`)
}

function say(lines: readonly string[]): void {
  process.stdout.write(`${lines.join('\n')}\n`)
}
