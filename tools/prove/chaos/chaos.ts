import { setTimeout as delay } from 'node:timers/promises'
import type { Cleanup } from '@campus/platform/testing/cleanup'
import { CliError } from '../../cli-error.ts'
import { joinCampus } from '../people.ts'
import { inParallel } from '../persist.ts'
import { type Article, putOnSale, untilCartsKnow } from '../shop.ts'
import { createHistory, type History } from './history.ts'
import { healAll, inject } from './inject.ts'
import { plentiful, startLoad } from './load.ts'
import { writeReport } from './report.ts'
import { makeSchedule, type PlannedFault } from './schedule.ts'
import { openSite, type Site } from './site.ts'
import { judge, type Verdict } from './verdict.ts'

/** Options of `campus chaos`. */
export interface ChaosOptions {
  readonly seed: number
  /** Seconds of faults. */
  readonly duration: number
  /** Mean seconds between two faults. */
  readonly every: number
  /** Journeys begun a second. */
  readonly rate: number
  readonly buyers: number
  readonly json?: boolean
  /** Keeps the folder of the mesh with its logs. */
  readonly keep?: boolean
  /** Puts the run into docs/resilience.md. */
  readonly write?: boolean
}

/** Seconds; a short run also waits shorter for payments that never come. */
const paymentSecondsMax = 180

/** What a run was and has shown. */
export interface Run {
  readonly seed: number
  readonly seconds: number
  readonly everySeconds: number
  readonly rate: number
  readonly buyers: number
  /** Faults by name that were done; the others found their target missing. */
  readonly faults: Readonly<Record<string, number>>
  readonly missed: number
  readonly history: History
  readonly verdict: Verdict
}

/**
 * Breaks a mesh of its own by a seeded schedule while people buy, lets it come to rest, and looks for
 * anything that was lost, doubled, stuck or wrong.
 *
 * @throws CliError when there is a violation
 */
export async function chaos(options: ChaosOptions): Promise<void> {
  const say = (line: string) => process.stderr.write(`${line}\n`)
  const teardowns: (() => unknown)[] = []
  const t: Cleanup = { teardown: undo => void teardowns.unshift(undo) }
  try {
    const run = await runChaos(t, options, say)
    process.stdout.write(options.json === true ? `${JSON.stringify(summary(run))}\n` : show(run))
    if (options.write === true) writeReport(run)
    if (run.verdict.violations.length > 0) {
      throw new CliError(`${run.verdict.violations.length} violations. Seed ${run.seed}.`)
    }
  } finally {
    for (const undo of teardowns) await undo()
  }
}

/** One whole run. @see chaos */
export async function runChaos(
  t: Cleanup,
  options: ChaosOptions,
  say: (line: string) => void,
): Promise<Run> {
  const { seed, duration, every, rate, buyers } = options
  const schedule = makeSchedule({ seed, durationMs: duration * 1_000, everyMs: every * 1_000 })
  say(`Seed ${seed}: ${schedule.length} faults in ${duration} s; ${rate} journeys a second.`)
  const site = await openSite(t, {
    isKept: options.keep === true,
    paymentSeconds: Math.min(duration, paymentSecondsMax),
  })
  if (options.keep === true) say(`Logs: ${site.home}/logs`)
  const { mesh } = site
  const articles = await openShop(site)
  const people = await inParallel(
    Array.from({ length: buyers }, (_, n) => n),
    12,
    n =>
      joinCampus(mesh.client, mesh.inboxUrl, {
        email: `buyer${n}@campus.example`,
        name: `Buyer ${n}`,
      }),
  )
  const history = createHistory()
  const load = startLoad({
    client: mesh.client,
    admin: mesh.admin,
    people,
    articles,
    seed,
    rate,
    history,
  })
  const { faults, missed } = await breakThings(site, schedule, history, say)
  say('No more faults. Waiting for the journeys and for rest.')
  await load.stop()
  const verdict = await judge(site, history)
  const seconds = duration
  return { seed, seconds, everySeconds: every, rate, buyers, faults, missed, history, verdict }
}

async function openShop({ mesh }: Site): Promise<[Article, ...Article[]]> {
  const sell = (n: number, units: number) =>
    putOnSale(mesh.client, mesh.admin.token, {
      title: `Article ${n}`,
      slug: `article-${n}`,
      priceMinor: 1_000 + n,
      units,
    })
  // The last ones are scarce, so that orders are also refused and units come back to others.
  const first = await sell(0, 100_000)
  const many = Array.from({ length: plentiful - 1 }, () => 100_000)
  const others = await inParallel([...many, 300, 60], 2, (units, n) => sell(n + 1, units))
  for (const article of [first, ...others]) await untilCartsKnow(mesh.client, article)
  return [first, ...others]
}

async function breakThings(
  site: Site,
  schedule: readonly PlannedFault[],
  history: History,
  say: (line: string) => void,
): Promise<{ faults: Record<string, number>; missed: number }> {
  const startedAt = performance.now()
  const running = new Set<Promise<void>>()
  const busy = new Set<string>()
  const faults: Record<string, number> = {}
  let missed = 0
  let saidAt = startedAt
  async function strike(planned: PlannedFault): Promise<void> {
    busy.add(planned.target)
    try {
      await inject(site, planned)
      faults[planned.fault] = (faults[planned.fault] ?? 0) + 1
    } catch {
      missed += 1
    } finally {
      busy.delete(planned.target)
    }
  }
  for (const planned of schedule) {
    await delay(Math.max(0, planned.atMs - (performance.now() - startedAt)))
    // One fault a target at a time: healing the first would end the second.
    if (busy.has(planned.target)) {
      missed += 1
      continue
    }
    const run = strike(planned).finally(() => running.delete(run))
    running.add(run)
    if (performance.now() - saidAt > 10_000) {
      saidAt = performance.now()
      const count = Object.values(faults).reduce((sum, n) => sum + n, 0)
      const { writes, orders } = history
      const at = Math.round((saidAt - startedAt) / 1_000)
      say(
        `${at} s: ${count} faults, ${orders.size} orders, ${writes.acknowledged} writes acknowledged`,
      )
    }
  }
  await Promise.all(running)
  healAll(site)
  return { faults, missed }
}

function summary({ history, verdict, ...run }: Run) {
  const { writes, journeys, answers, orders, delivered } = history
  return {
    ...run,
    writes,
    journeys,
    delivered,
    acknowledgedOrders: orders.size,
    answers: Object.fromEntries(answers),
    verdict,
  }
}

function show(run: Run): string {
  const { writes, journeys, answers, orders, journeysMs } = run.history
  const { violations, quietAfterMs, events, ambiguousMails } = run.verdict
  const list = (counts: Readonly<Record<string, number>>) =>
    Object.entries(counts)
      .map(([name, count]) => `${name} ${count}`)
      .join(', ')
  const count = Object.values(run.faults).reduce((sum, n) => sum + n, 0)
  const median = journeysMs.toSorted((a, b) => a - b)[Math.floor(journeysMs.length / 2)] ?? 0
  const failures = [...answers].toSorted(([, a], [, b]) => b - a).slice(0, 12)
  return `
Seed ${run.seed}, ${run.seconds} s
  faults     ${count} (${list(run.faults)}); ${run.missed} found their target missing or busy
  writes     ${writes.acknowledged} acknowledged, ${writes.refused} refused, ${writes.unknown} unknown; ${writes.tries} requests
  answers    ${failures.map(([name, n]) => `${name}: ${n}`).join('; ')}
  journeys   ${journeys.begun} begun, ${journeys.ended} ended, ${journeys.givenUp} given up, ${journeys.notBegun} found nobody free; median ${Math.round(median)} ms
  orders     ${orders.size} acknowledged; ${list(run.verdict.orders)}
  events     ${events} published
  mails      ${ambiguousMails} of unknown outcome, shown to operators
  rest       after ${Math.round(quietAfterMs / 1_000)} s
${violations.length === 0 ? 'Nothing lost, nothing doubled, nothing stuck.' : violations.map(v => `VIOLATION  ${v}`).join('\n')}
`
}
