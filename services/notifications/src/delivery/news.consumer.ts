import { orderCancelled, orderConfirmed } from '@campus/contracts/events/orders'
import { emailVerified } from '@campus/contracts/events/users'
import { defineConsumer, on } from '@campus/platform/events/consumer'
import { type NotifyDeps, notify } from './notify.command.ts'

/** Hears what people are told about. */
export function newsConsumer(deps: NotifyDeps) {
  return defineConsumer({
    name: 'notifications.news',
    kind: 'process',
    // What is too old to be told is counted only, so a new installation mails nobody of last year.
    onBootstrap: 'replay',
    // Two orders of one person are in different partitions, and both raise the version of that person.
    eachAlone: true,
    handlers: [
      on(emailVerified, async ({ tx, event, now }) => {
        const { userId } = event.data
        await notify(tx, deps, { event, userId, message: { kind: 'welcome' }, now })
      }),
      on(orderConfirmed, async ({ tx, event, now }) => {
        const { userId, orderId, lines, totals } = event.data
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
    ],
  })
}
