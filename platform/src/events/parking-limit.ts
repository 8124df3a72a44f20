// A consumer that parks much is more likely broken than fed with poison: a bug of a release, a missing
// column. It then stops, so that a fix or a roll-back finds the world as it was, instead of a parking
// place full of healthy keys.

const windowMs = 5 * 60_000
const bucketMs = 10_000
/** Share of events that may be parked, and from how many on the share says anything. */
const share = { max: 0.05, parkedMin: 20 }
const parkedMax = 500

export interface ParkingLimit {
  /** Counts what a consumer did. Events behind a parked key are no failures of their own. */
  note(counts: { readonly applied: number; readonly parked: number }, nowMs: number): void
  /** @returns why the consumer must stop; undefined while it may go on */
  exceeded(nowMs: number): string | undefined
  /** Forgets the past, once an operator has let the consumer go on. */
  clear(): void
}

/** Counts one consumer's events over the last five minutes. */
export function createParkingLimit(): ParkingLimit {
  let buckets: { readonly startMs: number; applied: number; parked: number }[] = []

  return {
    note({ applied, parked }, nowMs) {
      const startMs = nowMs - (nowMs % bucketMs)
      let last = buckets.at(-1)
      if (last?.startMs !== startMs) {
        last = { startMs, applied: 0, parked: 0 }
        buckets = [...buckets.filter(b => b.startMs > nowMs - windowMs), last]
      }
      last.applied += applied
      last.parked += parked
    },
    exceeded(nowMs) {
      const recent = buckets.filter(bucket => bucket.startMs > nowMs - windowMs)
      const parked = recent.reduce((sum, bucket) => sum + bucket.parked, 0)
      const all = parked + recent.reduce((sum, bucket) => sum + bucket.applied, 0)
      const isTooMany = parked > parkedMax
      const isTooLarge = parked >= share.parkedMin && parked > share.max * all
      return isTooMany || isTooLarge ? `${parked} of ${all} events parked in 5 minutes` : undefined
    },
    clear() {
      buckets = []
    },
  }
}
