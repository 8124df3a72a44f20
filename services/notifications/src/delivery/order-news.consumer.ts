import {
  orderCancelled,
  orderConfirmed,
  orderPlaced,
  orderRefunded,
  orderShipped,
  returnApproved,
  returnRejected,
} from '@campus/contracts/events/orders'
import type { OrderId } from '@campus/contracts/ids'
import { type Handler, on } from '@campus/platform/events/consumer'
import type { Teller } from './notify.command.ts'
import type { Subject } from './subject.ts'

/** What buyers are told of their orders. */
export function orderNews({ owns, notify }: Teller): Handler[] {
  return [
    on(orderPlaced, async ({ tx, event, now }) => {
      const { userId, orderId } = event.data
      owns(tx, { type: 'order', id: orderId }, userId, now)
    }),
    on(orderConfirmed, async ({ tx, event, now }) => {
      const { userId, orderId, lines, totals } = event.data
      // Of an order that was placed before anybody here listened, this is the first word.
      owns(tx, { type: 'order', id: orderId }, userId, now)
      const shown = lines.map(({ title = 'Item', quantity, total }) => {
        return { title, quantity, total }
      })
      const message = { kind: 'order_confirmed', orderId, lines: shown, totals } as const
      notify(tx, { event, to: userId, message, now })
    }),
    on(orderCancelled, async ({ tx, event, now }) => {
      const { userId, orderId, reason, refundedTotal } = event.data
      const message = { kind: 'order_cancelled', orderId, reason, refundedTotal } as const
      notify(tx, { event, to: userId, message, now })
    }),
    on(orderShipped, async ({ tx, event, now }) => {
      const { orderId, lines } = event.data
      const quantity = lines.reduce((sum, line) => sum + line.quantity, 0)
      const message = { kind: 'order_shipped', orderId, quantity } as const
      notify(tx, { event, to: buyerOf(orderId), message, now })
    }),
    on(orderRefunded, async ({ tx, event, now }) => {
      const { userId, orderId, amount, cause } = event.data
      const message = { kind: 'order_refunded', orderId, amount, cause } as const
      notify(tx, { event, to: userId, message, now })
    }),
    on(returnApproved, async ({ tx, event, now }) => {
      const { orderId, refundAmount: amount } = event.data
      const message = { kind: 'return_approved', orderId, ...(amount && { amount }) } as const
      notify(tx, { event, to: buyerOf(orderId), message, now })
    }),
    on(returnRejected, async ({ tx, event, now }) => {
      const { orderId } = event.data
      notify(tx, {
        event,
        to: buyerOf(orderId),
        message: { kind: 'return_rejected', orderId },
        now,
      })
    }),
  ]
}

function buyerOf(orderId: OrderId): Subject[] {
  return [{ type: 'order', id: orderId }]
}
