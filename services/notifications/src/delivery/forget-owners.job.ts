import type { Postgres } from '@campus/platform/data/postgres'
import { defineJob } from '@campus/platform/process/jobs'
import { deleteOwners } from './owner.store.ts'

const batchMax = 1_000
/** An order that is older than this has no news: its returns are closed and its disputes are over. */
const keptDays = 400

/** Forgets whose old orders and payments were. */
export function forgetOwnersJob({ postgres }: { readonly postgres: Postgres }) {
  return defineJob({
    name: 'notifications.forget-owners',
    periodMs: 3_600_000,
    async run({ now }) {
      const before = new Date(now.getTime() - keptDays * 86_400_000)
      const deleted = await postgres.transaction(tx => deleteOwners(tx, before, batchMax))
      return deleted === batchMax
    },
  })
}
