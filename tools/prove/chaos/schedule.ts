import { type Random, seededRandom } from '../random.ts'

/** The services of the mesh, and the servers below them. */
export const services = [
  'gateway',
  'users',
  'catalog',
  'orders',
  'payments',
  'notifications',
] as const
const servers = ['postgres', 'kafka', 'valkey'] as const
/** The services that hold a database: those that have relays, jobs and consumers. */
const replicated = ['users', 'catalog', 'orders', 'payments', 'notifications'] as const

/** What can be done to a mesh. Each ends by itself or is healed after its time. */
export const faults = {
  /** kill -9; the supervisor starts it again. */
  kill: [...services, ...services, ...servers],
  /** SIGTERM: an orderly stop in the middle of the work. */
  stop: [...services, ...servers],
  /** SIGSTOP, then SIGCONT. */
  freeze: [...services, 'kafka', 'valkey'],
  /** Every connection ends; new ones are refused for a while. */
  cut: ['postgres', 'kafka', 'valkey'],
  /** Every connection ends once. */
  reset: ['postgres', 'kafka', 'valkey'],
  /** Requests arrive, answers do not. */
  mute: ['postgres', 'kafka'],
  /** Nothing passes, in no direction, and no connection ends. */
  hang: ['postgres', 'kafka', 'valkey'],
  /** One answer in ten comes late. */
  slow: ['postgres', 'kafka', 'valkey'],
  /** Half of the backends are terminated, three times. */
  storm: ['postgres'],
  /** Redis forgets everything. */
  flush: ['valkey'],
  /** The mail server refuses connections, answers 451, or takes a mail and never says so. */
  smtpRefuse: ['smtp'],
  smtpLater: ['smtp'],
  smtpSilent: ['smtp'],
  /** A second replica joins and leaves: two relays, two sweepers, a group that changes twice. */
  replica: replicated,
} as const satisfies Readonly<Record<string, readonly [string, ...string[]]>>
export type FaultName = keyof typeof faults

/** How often each kind comes, relative to the others. */
const weights: readonly (readonly [FaultName, number])[] = [
  ['kill', 28],
  ['stop', 15],
  ['freeze', 14],
  ['cut', 6],
  ['reset', 7],
  ['mute', 4],
  ['hang', 3],
  ['slow', 5],
  ['storm', 4],
  ['flush', 4],
  ['smtpRefuse', 2],
  ['smtpLater', 3],
  ['smtpSilent', 3],
  ['replica', 9],
]

/** One fault of a schedule. */
export interface PlannedFault {
  /** From the start of the run. */
  readonly atMs: number
  readonly fault: FaultName
  readonly target: string
  /** Until it is healed. */
  readonly forMs: number
}

/** From this duration on the broker is away for two minutes once. */
const longRunMs = 600_000
const outageMs = { short: 15_000, long: 120_000 }

/**
 * The faults of a run: the same for the same seed, duration and pace.
 *
 * @param options.everyMs mean time between two faults
 */
export function makeSchedule(options: {
  readonly seed: number
  readonly durationMs: number
  readonly everyMs: number
}): PlannedFault[] {
  const { seed, durationMs, everyMs } = options
  const random = seededRandom(seed)
  const planned: PlannedFault[] = []
  for (let atMs = random.wait(everyMs); atMs < durationMs; atMs += random.wait(everyMs)) {
    planned.push({ atMs: Math.round(atMs), ...pickFault(random) })
  }
  // Somewhere in the first half, so that there is time to see what it has done.
  const forMs = durationMs >= longRunMs ? outageMs.long : outageMs.short
  const atMs = Math.round(durationMs * (0.1 + random.next() * 0.3))
  planned.push({ atMs, fault: 'cut', target: 'kafka', forMs })
  return planned.toSorted((a, b) => a.atMs - b.atMs)
}

function pickFault(random: Random): Pick<PlannedFault, 'fault' | 'target' | 'forMs'> {
  const fault = random.weigh(weights)
  const targets: readonly string[] = faults[fault]
  return { fault, target: random.pick(targets), forMs: Math.round(1_000 + random.next() * 5_000) }
}
