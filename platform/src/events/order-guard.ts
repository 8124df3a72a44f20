// The order guard: a consumer applies version n + 1 of an aggregate after version n, or not at all.
// Producers number the events of an aggregate without gaps, so this is the one live check that notices
// an event that was lost on the wire.

/** What is to be done with an event of a consumer's aggregates. */
export type Verdict =
  /** The next version, or the first that this consumer sees of the aggregate. */
  | 'apply'
  /** Applied before. */
  | 'duplicate'
  /** An earlier event of the aggregate is parked. */
  | 'behind'
  /** Older than what was applied, and never applied itself. */
  | 'late'
  /** A version before it is missing. */
  | 'gap'

export interface Judged {
  readonly key: string
  readonly version: number
  /** Whether the inbox has seen it for the first time now; an event that nobody handles is always new. */
  readonly isFresh: boolean
  /** Whether the consumer handles it; the others only advance the version. */
  readonly isHeard: boolean
}

/** Judges the events of one sub-batch, in their order. */
export interface OrderGuard {
  judge(event: Judged): Verdict
  /** Everything of `key` from now on is behind. */
  block(key: string): void
  /** The version up to which `key` is applied; undefined when nothing was seen of it. */
  seen(key: string): number | undefined
}

/**
 * @param before versions seen by the consumer until now
 * @param parked keys of which an event is parked
 */
export function createOrderGuard(
  before: ReadonlyMap<string, number>,
  parked: Iterable<string>,
): OrderGuard {
  const versions = new Map(before)
  const blocked = new Set(parked)

  function decide({ key, version, isFresh, isHeard }: Judged): Verdict {
    const seen = versions.get(key)
    if (!isFresh) return 'duplicate'
    if (!isHeard && seen !== undefined && version <= seen) return 'duplicate'
    if (blocked.has(key)) return 'behind'
    // The first version of a key that a consumer sees is its baseline.
    if (seen === undefined || version === seen + 1) return 'apply'
    return version <= seen ? 'late' : 'gap'
  }

  return {
    judge(event) {
      const verdict = decide(event)
      const { key, version } = event
      if (verdict === 'apply') versions.set(key, version)
      // What is in the inbox already was applied by somebody: its version counts as seen.
      if (verdict === 'duplicate' && !blocked.has(key)) {
        versions.set(key, Math.max(version, versions.get(key) ?? 0))
      }
      if (verdict === 'late' || verdict === 'gap') blocked.add(key)
      return verdict
    },
    block: key => {
      blocked.add(key)
    },
    seen: key => versions.get(key),
  }
}
