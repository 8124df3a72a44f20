/** One line of the table: what Campus does, beside the raw limit that was taken in the same run. */
export interface Figure {
  readonly name: string
  readonly unit: string
  readonly campus: number
  /** The same work without Campus, where there is such a thing. */
  readonly limit?: { readonly name: string; readonly value: number }
  /** What the design promises on a machine of two cores. */
  readonly target?: Goal
  /** The same for the ratio to the limit. */
  readonly ratio?: Goal
}

type Goal = { readonly atLeast: number } | { readonly atMost: number }

/** How far a figure may miss its target before `--check` fails: machines have neighbours. */
const tolerance = 0.2

/** Whether a figure misses one of its targets by more than the tolerance. */
export function misses({ campus, limit, target, ratio }: Figure): boolean {
  return isMissed(campus, target) || isMissed(campus / (limit?.value ?? campus), ratio)
}

function isMissed(value: number, goal: Goal | undefined): boolean {
  if (goal === undefined) return false
  return 'atLeast' in goal
    ? value < goal.atLeast * (1 - tolerance)
    : value > goal.atMost * (1 + tolerance)
}

/** The share of `sorted` values that is at most the answer, e.g. 0.99; of an ascending list. */
export function quantile(sorted: readonly number[], share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0
}

/** A Markdown table of figures, with ratios. */
export function tableOf(figures: readonly Figure[]): string {
  const rows = figures.map(({ name, unit, campus, limit, target, ratio: goal }) => {
    const ratio = limit === undefined ? '' : (campus / limit.value).toFixed(2)
    const raw = limit === undefined ? '' : `${round(limit.value)} ${unit} (${limit.name})`
    return `| ${name} | ${round(campus)} ${unit} | ${raw} | ${ratio} | ${goalOf(target)}${goalOf(goal, ' (ratio)')} |`
  })
  return [
    '| what | Campus | raw limit, same run | ratio | target |',
    '| --- | --- | --- | --- | --- |',
    ...rows,
  ].join('\n')
}

function goalOf(goal: Goal | undefined, of = ''): string {
  if (goal === undefined) return ''
  return 'atLeast' in goal ? `≥ ${goal.atLeast}${of}` : `≤ ${goal.atMost}${of}`
}

function round(value: number): string {
  return value >= 100 ? String(Math.round(value)) : value.toPrecision(3)
}
