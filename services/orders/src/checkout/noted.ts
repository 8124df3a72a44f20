import type { Happening, State } from './saga-state.ts'

/** Something that happened to an order, kept for whoever looks at it later. */
export interface Noted {
  readonly event: Happening['kind']
  readonly at: Date
  /** The state that it met. */
  readonly state: State
  readonly isIgnored: boolean
}

/** So many are kept: enough for the whole usual story of an order. */
const notedMax = 16

/** The latest happenings with one more, the oldest first. */
export function noting(before: readonly Noted[], one: Noted): Noted[] {
  return [...before, one].slice(-notedMax)
}
