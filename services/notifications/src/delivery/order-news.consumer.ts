import {
  orderCancelled,
  orderConfirmed,
  orderPlaced,
  orderRefunded,
  orderShipped,
  returnApproved,
  returnRejected,
} from '@campus/contracts/events/orders'
import type { OrderId, UserId } from '@campus/contracts/ids'
import type { Tx } from '@campus/platform/data/postgres'
import { type Handler, on } from '@campus/platform/events/consumer'
import { type NotifyDeps, notify } from './notify.command.ts'
import { noteOwner, ownerOf } from './owner.store.ts'

/** What buyers are told of their orders. */
export function orderNews(deps: NotifyDeps): Handler[] {
  async function buyerOf(tx: Tx, orderId: OrderId): Promise<UserId | undefined> {
    const userId = await ownerOf(tx, { type: 'order', id: orderId })
    if (userId === undefined) deps.onSilence('orders', 'owner_unknown')
    return userId
  }

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
      const userId = await buyerOf(tx, orderId)
      if (userId === undefined) return
      const quantity = lines.reduce((sum, line) => sum + line.quantity, 0)
      const message = { kind: 'order_shipped', orderId, quantity } as const
      await notify(tx, deps, { event, userId, message, now })
    }),
    on(orderRefunded, async ({ tx, event, now }) => {
      const { userId, orderId, amount, cause } = event.data
      const message = { kind: 'order_refunded', orderId, amount, cause } as const
      await notify(tx, deps, { event, userId, message, now })
    }),
    on(returnApproved, async ({ tx, event, now }) => {
      const { orderId, refundAmount: amount } = event.data
      const userId = await buyerOf(tx, orderId)
      if (userId === undefined) return
      const message = { kind: 'return_approved', orderId, ...(amount && { amount }) } as const
      await notify(tx, deps, { event, userId, message, now })
    }),
    on(returnRejected, async ({ tx, event, now }) => {
      const { orderId } = event.data
      const userId = await buyerOf(tx, orderId)
      if (userId === undefined) return
      await notify(tx, deps, { event, userId, message: { kind: 'return_rejected', orderId }, now })
    }),
  ]
}
