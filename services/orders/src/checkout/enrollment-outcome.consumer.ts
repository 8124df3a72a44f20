import { enrollmentActivated, enrollmentRejected } from '@campus/contracts/events/courses'
import { type Handler, on } from '@campus/platform/events/consumer'
import type { Tell } from './advance-order.command.ts'

/** What courses says about the course lines of an order; grants and free courses are not ours. */
export function enrollmentOutcomeHandlers(tell: Tell): Handler[] {
  return [
    on(enrollmentActivated, async ({ tx, event: { data }, now }) => {
      const { type, orderId, lineNo } = data.source
      if (type !== 'order' || orderId === undefined || lineNo === undefined) return
      tell(tx, orderId, { kind: 'enrollment_activated', lineNo }, now)
    }),
    on(enrollmentRejected, async ({ tx, event: { data }, now }) => {
      const { orderId, lineNo, reason } = data
      tell(tx, orderId, { kind: 'enrollment_rejected', lineNo, reason }, now)
    }),
  ]
}
