import type { Postgres } from '@campus/platform/data/postgres'
import { defineJob } from '@campus/platform/process/jobs'
import { giveUpWaiting, releaseWaiting } from './delivery.store.ts'

const batchMax = 200

/**
 * Sends what waited for an address. Profiles come by another topic than the events, so either may be
 * first, and no event waits for a profile with its partition behind it.
 */
export function releaseWaitingJob(
  { postgres }: { readonly postgres: Postgres },
  { periodMs, waitSeconds }: { readonly periodMs: number; readonly waitSeconds: number },
) {
  return defineJob({
    name: 'notifications.release-waiting',
    periodMs,
    async run({ now }) {
      const before = new Date(now.getTime() - waitSeconds * 1_000)
      const released = await postgres.transaction(tx => releaseWaiting(tx, batchMax))
      const lost = await postgres.transaction(tx =>
        giveUpWaiting(tx, { before, now, max: batchMax }),
      )
      return released === batchMax || lost === batchMax
    },
  })
}
