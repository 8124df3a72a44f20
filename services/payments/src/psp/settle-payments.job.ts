import { defineJob } from '@campus/platform/process/jobs'
import { lockDuePayments } from './psp.store.ts'
import { advance, type PspDeps } from './simulate-provider.command.ts'

const dueMax = 50

/** The simulated provider authorises payments that it kept silent about. */
export function settlePaymentsJob(deps: PspDeps, periodMs: number) {
  return defineJob({
    name: 'psp.settle-payments',
    periodMs,
    async run({ now }) {
      const count = await deps.postgres.transaction(async tx => {
        const due = await lockDuePayments(tx, now, dueMax)
        for (const payment of due) {
          await advance(tx, deps, payment, { ...payment, state: 'authorized', settleAt: null })
        }
        return due.length
      })
      return count === dueMax
    },
  })
}
