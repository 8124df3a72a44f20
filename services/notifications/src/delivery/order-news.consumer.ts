import {
  orderCancelled,
  orderConfirmed,
  orderPlaced,
  orderRefunded,
  orderShipped,
} from '@campus/contracts/events/orders'
import { type Handler, on } from '@campus/platform/events/consumer'
import { type NotifyDeps, notify } from './notify.command.ts'
import { noteOwner, ownerOf } from './owner.store.ts'

/** What buyers are told of their orders. */
export function orderNews(deps: NotifyDeps): Handler[] {
  return [
    on(orderPlaced, async ({ tx, event, now }) => {
      const { userId, orderId } = event.data
      await noteOwner(tx, { type: 'order', id: orderId }, { userId, now })
    }),
    on(orderConfirmed, async ({ tx, event, now }) => {
      const { userId, orderId, lines, totals } = event.data
      // Of an order that was placed before anybody here listened, this is the first word.
      await noteOwner(tx, { type: 'order', id: orderId }, { userId, now })
      const shown = lines.map(({ title = 'Item', quantity, total }) => {
        return { title, quantity, total }
      })
      const message = { kind: 'order_confirmed', orderId, lines: shown, totals } as const
      await notify(tx, deps, { event, userId, message, now })
    }),
    on(orderCancelled, async ({ tx, event, now }) => {
      const { userId, orderId, reason, refundedTotal } = event.data
      const message = { kind: 'order_cancelled', orderId, reason, refundedTotal } as const
      await notify(tx, deps, { event, userId, message, now })
    }),
    on(orderShipped, async ({ tx, event, now }) => {
      const { orderId, lines } = event.data
      const userId = await ownerOf(tx, { type: 'order', id: orderId })
      if (userId === undefined) {
        deps.onSilence('orders', 'owner_unknown')
        return
      }
      const quantity = lines.reduce((sum, line) => sum + line.quantity, 0)
      const message = { kind: 'order_shipped', orderId, quantity } as const
      await notify(tx, deps, { event, userId, message, now })
    }),
    on(orderRefunded, async ({ tx, event, now }) => {
      const { userId, orderId, amount, cause } = event.data
      const message = { kind: 'order_refunded', orderId, amount, cause } as const
      await notify(tx, deps, { event, userId, message, now })
    }),
  ]
}
