import type { Postgres } from '@campus/platform/data/postgres'
import { newTraceparent, withFlow } from '@campus/platform/process/flow'
import { defineJob } from '@campus/platform/process/jobs'
import { advanceLocked, type SagaDeps } from './advance-order.command.ts'
import { dueOrders, lockOrder } from './order.store.ts'

const dueMax = 100

/** Tells sagas that their timer has run out. Each in its own transaction, under the order's lock. */
export function fireTimersJob(
  { postgres, saga }: { readonly postgres: Postgres; readonly saga: SagaDeps },
  periodMs: number,
) {
  return defineJob({
    name: 'orders.fire-timers',
    periodMs,
    async run({ now, signal }) {
      const due = await postgres.read(tx => dueOrders(tx, now, dueMax))
      for (const orderId of due) {
        if (signal.aborted) return
        await postgres.transaction(async tx => {
          const order = await lockOrder(tx, orderId)
          // An answer may have arrived since the order was found.
          const { timerAt } = order?.saga ?? {}
          if (order === undefined || !timerAt || timerAt > now) return
          const flow = {
            correlationId: order.correlationId,
            causationId: order.id,
            actor: 'timer',
            traceparent: newTraceparent(),
          }
          await withFlow(flow, () => advanceLocked(tx, saga, order, { kind: 'timer' }, now))
        })
      }
    },
  })
}
