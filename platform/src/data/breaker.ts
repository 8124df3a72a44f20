import { type Clock, systemClock } from '../clock.ts'

// closed → open after `failuresMax` failures in a row → after `openMs` one caller may try → closed
// when that succeeds, open again when it fails. While open, nobody waits.

/** Keeps callers from waiting for something that is down. */
export interface Breaker {
  /**
   * Runs `work` with a deadline.
   *
   * @returns undefined when `work` failed, was too slow or was not tried; `work` must not answer that
   */
  run<T>(work: () => Promise<T>): Promise<T | undefined>
  readonly isOpen: boolean
}

/** A breaker for optional dependencies; the defaults suit Redis. */
export function createBreaker({
  failuresMax = 3,
  openMs = 1_000,
  timeoutMs = 50,
  clock = systemClock,
}: {
  readonly failuresMax?: number
  readonly openMs?: number
  /** What a caller waits at most. */
  readonly timeoutMs?: number
  readonly clock?: Clock
} = {}): Breaker {
  let failures = 0
  let retryAt = 0

  function now(): number {
    return clock.now().getTime()
  }

  return {
    async run(work) {
      if (failures >= failuresMax) {
        if (now() < retryAt) return undefined
        // This caller tries; the others go on without it.
        retryAt = now() + openMs
      }
      const late = Promise.withResolvers<never>()
      const timer = setTimeout(() => late.reject(new Error('too slow')), timeoutMs)
      try {
        const result = await Promise.race([work(), late.promise])
        failures = 0
        return result
      } catch {
        failures += 1
        retryAt = now() + openMs
        return undefined
      } finally {
        clearTimeout(timer)
      }
    },
    get isOpen() {
      return failures >= failuresMax && now() < retryAt
    },
  }
}
