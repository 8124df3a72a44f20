import type { RefundId } from '@campus/contracts/ids'
import type { Postgres } from '@campus/platform/data/postgres'
import { newId } from '@campus/platform/new-id'
import { newTraceparent, withFlow } from '@campus/platform/process/flow'
import { defineJob } from '@campus/platform/process/jobs'
import type { Gauge } from '@campus/platform/process/metrics'
import { type Book, carryOut } from './carry-out.command.ts'
import { countOrphans, lockIntent, orphans } from './intent.store.ts'
import { decideOrphaned } from './lifecycle.ts'

const orphansMax = 100

export interface OrphanDeps {
  readonly postgres: Postgres
  readonly book: Book
  /** `payments_orphaned`: captured money that has waited for its order too long. */
  readonly gauge: Pick<Gauge<never>, 'set'>
  readonly alertMs: number
  readonly refundMs: number
}

/** Captured money whose order is not confirmed is shown, and then given back (P5). */
export function returnOrphansJob(deps: OrphanDeps, periodMs: number) {
  const { postgres, book, gauge, alertMs, refundMs } = deps
  return defineJob({
    name: 'payments.return-orphans',
    periodMs,
    async run({ now, signal }) {
      const before = (ms: number) => new Date(now.getTime() - ms)
      const due = await postgres.read(tx => orphans(tx, before(refundMs), orphansMax))
      for (const intentId of due) {
        if (signal.aborted) return
        await postgres.transaction(async tx => {
          const intent = await lockIntent(tx, intentId)
          if (intent === undefined) return
          const flow = {
            correlationId: intent.correlationId,
            causationId: intentId,
            actor: 'timer',
            traceparent: newTraceparent(),
          }
          const decided = decideOrphaned(intent, { now, refundId: newId<RefundId>() })
          await withFlow(flow, () => carryOut(tx, book, intent, decided, now))
        })
      }
      gauge.set(await postgres.read(tx => countOrphans(tx, before(alertMs))))
      return due.length === orphansMax
    },
  })
}
