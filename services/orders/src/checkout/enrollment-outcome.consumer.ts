import { enrollmentActivated, enrollmentRejected } from '@campus/contracts/events/courses'
import { type Handler, on } from '@campus/platform/events/consumer'
import { advanceOrder, type SagaDeps } from './advance-order.command.ts'

/** What courses says about the course lines of an order; grants and free courses are not ours. */
export function enrollmentOutcomeHandlers(saga: SagaDeps): Handler[] {
  return [
    on(enrollmentActivated, async ({ tx, event: { data }, now }) => {
      const { type, orderId, lineNo } = data.source
      if (type !== 'order' || orderId === undefined || lineNo === undefined) return
      await advanceOrder(tx, saga, orderId, { kind: 'enrollment_activated', lineNo }, now)
    }),
    on(enrollmentRejected, async ({ tx, event: { data }, now }) => {
      const { orderId, lineNo, reason } = data
      await advanceOrder(tx, saga, orderId, { kind: 'enrollment_rejected', lineNo, reason }, now)
    }),
  ]
}
