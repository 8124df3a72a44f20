import type { Clock } from '../clock.ts'
import { systemClock } from '../clock.ts'

/** Value of a record on the compacted topic of revocations; null is its tombstone. */
export interface Revocation {
  readonly sid?: string
  readonly userId: string
  /** ISO 8601. Tokens issued before are void; of a revoked session all are. */
  readonly notBeforeAt: string
  /** ISO 8601. From here on no token that it concerns can be alive. */
  readonly untilAt: string
  readonly cause: string
}

/** What a verified token says of itself. */
export interface TokenFacts {
  readonly sid: string
  readonly userId: string
  /** Seconds since 1970. */
  readonly issuedAt: number
}

/** The revocations of the last minutes, in memory of every process. */
export interface Revocations {
  /** Applies one record: `session:<sid>` or `user:<userId>`; other keys are left to newer versions. */
  apply(key: string, value: Revocation | null): void
  /** At most two look-ups in a map; needs no network, so it never fails. */
  isRevoked(token: TokenFacts): boolean
  readonly size: number
}

interface Entry {
  readonly notBeforeMs: number
  readonly untilMs: number
}

/** How many entries may come between two sweeps of expired ones. */
const sweepEvery = 256

/** Creates an empty set; a consumer of the topic fills it from the first record on. */
export function createRevocations({
  clock = systemClock,
}: {
  readonly clock?: Clock
} = {}): Revocations {
  const entries = new Map<string, Entry>()
  let appliedSinceSweep = 0

  function sweep(): void {
    const now = clock.now().getTime()
    for (const [key, { untilMs }] of entries) if (untilMs <= now) entries.delete(key)
    appliedSinceSweep = 0
  }

  return {
    apply(key, value) {
      if (value === null) {
        entries.delete(key)
        return
      }
      const untilMs = Date.parse(value.untilAt)
      if (untilMs <= clock.now().getTime()) return
      if (key.startsWith('session:')) {
        // The session is over, whenever its tokens were made.
        entries.set(key, { notBeforeMs: Number.POSITIVE_INFINITY, untilMs })
      } else if (key.startsWith('user:')) {
        entries.set(key, { notBeforeMs: Date.parse(value.notBeforeAt), untilMs })
      }
      appliedSinceSweep += 1
      if (appliedSinceSweep >= sweepEvery) sweep()
    },
    isRevoked({ sid, userId, issuedAt }) {
      if (entries.size === 0) return false
      // Rounded, because seconds with a fraction are not exact.
      const issuedMs = Math.round(issuedAt * 1_000)
      return [`session:${sid}`, `user:${userId}`].some(key => {
        const entry = entries.get(key)
        return entry !== undefined && issuedMs < entry.notBeforeMs
      })
    },
    get size() {
      return entries.size
    },
  }
}
