// closed → open after `failuresMax` failures without an answer between them → each `openMs` one request
// may try → closed with the first answer. A request that tries holds nobody else up: whether it ends
// or not, the next one may try `openMs` later.

import type { Clock } from '@campus/platform/clock'

/** Failures without any answer between them after which a service counts as down. */
const failuresMax = 5
/** How long nobody asks a service that is down, milliseconds. */
const openMs = 1_000

/** Keeps requests from waiting for a service that is down. */
export interface Breaker {
  /** Whether a request may try; asking counts as trying. */
  mayTry(): boolean
  /** The service answered, whatever it said. */
  answered(): void
  /** The service could not be reached, or did not begin to answer in time. */
  failed(): void
  readonly isOpen: boolean
}

/** Creates the breaker of one service. */
export function createBreaker(clock: Clock): Breaker {
  let failures = 0
  let retryAtMs = 0
  const nowMs = () => clock.now().getTime()

  return {
    mayTry() {
      if (failures < failuresMax) return true
      if (nowMs() < retryAtMs) return false
      retryAtMs = nowMs() + openMs
      return true
    },
    answered() {
      failures = 0
    },
    failed() {
      failures += 1
      if (failures >= failuresMax) retryAtMs = nowMs() + openMs
    },
    get isOpen() {
      return failures >= failuresMax
    },
  }
}
