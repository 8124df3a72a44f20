/** Where a process reads the time. Pure functions never do: they are given `now`. */
export interface Clock {
  /** The present moment, UTC. */
  now(): Date
}

/** The clock of the machine. */
export const systemClock: Clock = { now: () => new Date() }
