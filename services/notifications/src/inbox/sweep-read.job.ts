import type { Postgres } from '@campus/platform/data/postgres'
import { defineJob } from '@campus/platform/process/jobs'
import { deleteRead } from './notification.store.ts'

const batchMax = 1_000
const keptDays = 90

/** Forgets what was read long ago. */
export function sweepReadJob({ postgres }: { readonly postgres: Postgres }) {
  return defineJob({
    name: 'notifications.sweep-read',
    periodMs: 3_600_000,
    async run({ now }) {
      const before = new Date(now.getTime() - keptDays * 86_400_000)
      const deleted = await postgres.transaction(tx => deleteRead(tx, before, batchMax))
      return deleted === batchMax
    },
  })
}
