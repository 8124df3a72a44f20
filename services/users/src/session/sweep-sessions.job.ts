import type { Postgres } from '@campus/platform/data/postgres'
import { defineJob } from '@campus/platform/process/jobs'
import { deleteEnded, expireSessions } from './session.store.ts'

const batchMax = 200
/** Ended sessions are kept so long, so that the use of one of their tokens is still recognised. */
const keptDays = 30

/** Ends sessions past their 30 days and forgets those that ended long ago. */
export function sweepSessionsJob({ postgres }: { readonly postgres: Postgres }) {
  return defineJob({
    name: 'users.sweep-sessions',
    periodMs: 600_000,
    async run({ now }) {
      const before = new Date(now.getTime() - keptDays * 86_400_000)
      const expired = await postgres.transaction(tx => expireSessions(tx, now, batchMax))
      const deleted = await postgres.transaction(tx => deleteEnded(tx, before, batchMax))
      return expired === batchMax || deleted === batchMax
    },
  })
}
