import type { Postgres } from '@campus/platform/data/postgres'
import { defineJob } from '@campus/platform/process/jobs'
import { deleteWebhooks } from './webhook.store.ts'

const hourMs = 3_600_000
const batchMax = 1_000
/** Longer than the provider repeats a webhook. */
const keptMs = 30 * 24 * hourMs

/** Forgets webhooks that cannot come again. */
export function sweepWebhooksJob(postgres: Postgres) {
  return defineJob({
    name: 'payments.sweep-webhooks',
    periodMs: hourMs,
    async run({ now }) {
      const before = new Date(now.getTime() - keptMs)
      const count = await postgres.read(tx => deleteWebhooks(tx, before, batchMax))
      return count === batchMax
    },
  })
}
