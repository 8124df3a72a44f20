import type { Postgres } from '@campus/platform/data/postgres'
import { defineJob } from '@campus/platform/process/jobs'
import { dueRefunds } from './intent.store.ts'
import { retryRefund } from './retry-refund.command.ts'

const dueMax = 50

/** Tries refunds again that had no answer. */
export function retryRefundsJob(postgres: Postgres, periodMs: number) {
  return defineJob({
    name: 'payments.retry-refunds',
    periodMs,
    async run({ now, signal }) {
      const due = await postgres.read(tx => dueRefunds(tx, now, dueMax))
      for (const refund of due) {
        if (signal.aborted) return
        await postgres.transaction(tx => retryRefund(tx, refund, now))
      }
    },
  })
}
