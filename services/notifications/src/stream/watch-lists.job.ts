import type { Postgres } from '@campus/platform/data/postgres'
import { defineJob } from '@campus/platform/process/jobs'
import type { Audience } from './audience.ts'
import { versionsOf } from './stream.store.ts'

/**
 * Looks whether the lists of those who listen here have changed: hints between replicas may be lost,
 * and there are none without Redis.
 */
export function watchListsJob(
  { postgres, audience }: { readonly postgres: Postgres; readonly audience: Audience },
  { periodMs }: { readonly periodMs: number },
) {
  return defineJob({
    name: 'notifications.watch-lists',
    periodMs,
    async run() {
      // As many as there are streams at most.
      const users = audience.users()
      if (users.length === 0) return
      const versions = await postgres.read(tx => versionsOf(tx, users))
      for (const { userId, version } of versions) audience.ring(userId, version)
    },
  })
}
