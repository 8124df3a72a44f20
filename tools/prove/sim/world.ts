import { asId, type Id } from '@campus/contracts/ids'
import { type Random, seededRandom } from '../random.ts'

/** A rule that is broken on purpose, to show that the simulator notices. */
export const sabotages = [
  /** Consumers forget what they have handled. */
  'no_inbox',
  /** The relay settles a few events that the broker never got. */
  'lost_event',
  /** Catalog does not hear requests to give stock back. */
  'release_ignored',
  /** Reservations are made without a look at the stock. */
  'blind_reservation',
  /** Sagas have no timers. */
  'no_timers',
  /** The ledger books a capture whenever it hears of one. */
  'double_booking',
] as const
export type Sabotage = (typeof sabotages)[number]

/** Something that must never be true is. Its message begins with the name of the rule. */
export class Violation extends Error {
  override readonly name = 'Violation'
}

/** @throws Violation with `rule` when `isTrue` is false */
export function must(isTrue: boolean, rule: string): asserts isTrue {
  if (!isTrue) throw new Violation(rule)
}

/** What all parts of a simulated world share: one clock, one source of chance, one of ids. */
export interface World {
  readonly random: Random
  readonly sabotage: Sabotage | null
  readonly now: Date
  pass(ms: number): void
  // The caller's context chooses the brand, so the parameter occurs once.
  // oxlint-disable-next-line no-unnecessary-type-parameters
  newId<T extends Id<string>>(): T
}

const begin = Date.parse('2026-01-01T00:00:00.000Z')

/** A world that is the same each time for a seed. */
export function createWorld(seed: number, sabotage: Sabotage | null): World {
  let now = begin
  let ids = 0
  return {
    random: seededRandom(seed),
    sabotage,
    get now() {
      return new Date(now)
    },
    pass(ms) {
      now += ms
    },
    // The caller's context chooses the brand, so the parameter occurs once.
    // oxlint-disable-next-line no-unnecessary-type-parameters
    newId<T extends Id<string>>(): T {
      ids += 1
      return asId(`0193a1c0-0000-7000-8000-${String(ids).padStart(12, '0')}`)
    },
  }
}

/** Seconds since the world began, for people who read a list of steps. */
export function clockOf({ now }: World): string {
  return `${((now.getTime() - begin) / 1_000).toFixed(0)}s`
}

/** The end of a key or an id: the whole of it says nothing to a reader. */
export function short(key: string): string {
  return `${key.split(':')[0]?.replace(/^[0-9a-f-]{36}$/, '') ?? ''}${Number(key.slice(-12))}`
}
