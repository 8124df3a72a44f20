import type { DisputeId } from '@campus/contracts/ids'
import { newId } from '@campus/platform/new-id'
import { defineJob } from '@campus/platform/process/jobs'
import { lockDuePayments } from './psp.store.ts'
import { advance, type PspDeps } from './simulate-provider.command.ts'
import { disputedPayment, type PspPayment } from './simulation.ts'

const dueMax = 50

/** The simulated provider breaks its silence about payments, and moves disputes on. */
export function settlePaymentsJob(deps: PspDeps, periodMs: number) {
  return defineJob({
    name: 'psp.settle-payments',
    periodMs,
    async run({ now }) {
      const count = await deps.postgres.transaction(async tx => {
        const due = await lockDuePayments(tx, now, dueMax)
        for (const payment of due) {
          const next: PspPayment =
            payment.state === 'pending'
              ? { ...payment, state: 'authorized', settleAt: null }
              : disputedPayment(payment, newId<DisputeId>(), now, deps.delays)
          await advance(tx, deps, payment, next)
        }
        return due.length
      })
      return count === dueMax
    },
  })
}
