import type { Did, Weather } from './bus.ts'
import type { Fate } from './database.ts'
import { requireSound } from './invariants.ts'
import { type SimMesh, startSimMesh } from './mesh.ts'
import { requireRest } from './rest.ts'
import { clockOf, createWorld, must, type Sabotage, Violation, type World } from './world.ts'

// One seed is one world: people act, processes die, records come twice and late, time jumps. Then the
// weather clears, everything that is on its way arrives, and every order must have ended well.

export interface Run {
  readonly seed: number
  /** The rule that was broken; undefined when all held. */
  readonly violation: string | undefined
  readonly steps: readonly string[]
  /** Ends of the orders, by state. */
  readonly ends: readonly string[]
  /** Rules of the saga's table that had an effect. */
  readonly met: ReadonlySet<string>
}

/** What may happen, and how often, relative to the others. */
type Action = readonly [act: () => Did, weight: number]

const minuteMs = 60_000
const dayMs = 1_440 * minuteMs
/** How time passes in a world: mostly a little, or mostly past every timer. */
const paces = [
  { weight: 8, jumpsMs: [10, 1_000, 10_000] },
  { weight: 3, jumpsMs: [100, 1_000, 10_000, minuteMs, 10 * minuteMs] },
  { weight: 1, jumpsMs: [1_000, minuteMs, 10 * minuteMs, 25 * minuteMs, dayMs] },
] as const
const roundsMax = 5_000

/** Lives through one world; the same seed is the same life. */
export function runSeed(seed: number, sabotage: Sabotage | null = null): Run {
  const world = createWorld(seed, sabotage)
  const { random } = world
  const weather = { faults: random.pick([0, 0.03, 0.1, 0.3]) }
  const mesh = startSimMesh(world, random.pick(['activated', 'activated', 'rejected', 'silent']))
  const steps: string[] = []
  let violation: string | undefined

  function note(did: Did): boolean {
    if (did !== undefined && did !== 'skip') steps.push(`${clockOf(world)} ${did}`)
    requireSound(mesh)
    return did !== undefined
  }

  try {
    const actions = wild(world, mesh, weather)
    const tries = 200 + random.below(1_000)
    mesh.people.buy()
    for (let tried = 0; tried < tries; tried += 1) note(random.weigh(actions)())
    steps.push(`${clockOf(world)} everything calms down`)
    settle(world, mesh, note)
    requireRest(mesh)
  } catch (error) {
    // A decision that throws breaks its promise to be total: that is a finding, too.
    const isBug = error instanceof RangeError || error instanceof TypeError
    if (!(error instanceof Violation) && !isBug) throw error
    violation = isBug ? `a decision throws: ${error.stack}` : error.message
  }
  const ends = [...mesh.orders.orders.values()].map(({ saga }) => saga.state)
  return { seed, violation, steps, ends, met: mesh.orders.met }
}

/** Everything that may happen, and how often. */
function wild(world: World, mesh: SimMesh, weather: Weather): Action[] {
  const { random } = world
  const { bus, catalog, databases, consumers, orders, payments, people, provider, worker } = mesh
  const fate = (): Fate => (random.chance(weather.faults) ? 'crash' : 'commit')
  const pace = random.pick(paces)
  const of = (weight: number, act: () => Did): Action => [act, weight]
  return [
    of(60, () => bus.relay(random.pick(databases), weather)),
    of(80, () => bus.deliver(random.pick(consumers), weather)),
    of(1, () => bus.repeat()),
    of(16, () => worker.call(weather)),
    of(16, () => worker.settle(weather)),
    of(16, () => worker.webhook(weather)),
    of(3, () => provider.settle()),
    of(1, () => (random.chance(0.2) ? provider.lapse() : undefined)),
    of(4, () => orders.fire(fate())),
    of(3, () => catalog.expire(fate())),
    of(2, () => payments.care(fate())),
    of(2, () => (orders.orders.size < 4 ? people.buy() : undefined)),
    of(6, () => people.pay()),
    of(3, () => people.challenge(random.chance(0.8))),
    of(1, () => (random.chance(0.2) ? people.cancel() : undefined)),
    of(6, () => people.ship(false)),
    of(4, () => people.deliver()),
    of(6, () => people.refund()),
    of(1, () => people.adjust()),
    of(1, () => (random.chance(0.05) ? people.archive() : undefined)),
    of(pace.weight, () => {
      world.pass(random.pick(pace.jumpsMs))
      return 'time passes'
    }),
  ]
}

/** Without faults, until nothing can happen any more. */
function settle(world: World, mesh: SimMesh, note: (did: Did) => boolean): void {
  const { bus, catalog, databases, consumers, orders, payments, people, provider, worker } = mesh
  const calm: Weather = { faults: 0 }
  const acts: readonly (() => Did)[] = [
    () => bus.repeat(),
    ...databases.map(db => () => bus.relay(db, calm)),
    ...consumers.map(consumer => () => bus.deliver(consumer, calm)),
    () => worker.call(calm),
    () => worker.settle(calm),
    () => worker.webhook(calm),
    () => provider.settle(),
    () => people.ship(true),
    () => people.deliver(),
    () => orders.fire('commit'),
    () => catalog.expire('commit'),
    () => payments.care('commit'),
  ]
  for (let round = 0; round < roundsMax; round += 1) {
    let isMoving = false
    // A job that finds the same rows again has not moved anything.
    for (const act of acts.slice(0, -1)) isMoving = note(act()) || isMoving
    note(acts.at(-1)?.())
    if (isMoving) continue
    const next = nextDue(mesh)
    if (next === undefined) return
    world.pass(Math.max(1_000, next.getTime() - world.now.getTime()))
  }
  const states = [...orders.orders.values()].map(({ saga }) => saga.state)
  must(false, `O1: no end: ${states.join(', ')}`)
}

function nextDue({ catalog, orders, payments, provider }: SimMesh): Date | undefined {
  const moments = [catalog, orders, payments, provider].flatMap(
    part => part.nextDue()?.getTime() ?? [],
  )
  return moments.length === 0 ? undefined : new Date(Math.min(...moments))
}
