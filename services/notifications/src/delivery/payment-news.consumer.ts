import type { Event } from '@campus/contracts/envelope'
import type { Ref } from '@campus/contracts/events/orders'
import {
  intentCreated,
  paymentActionRequired,
  paymentDeclined,
} from '@campus/contracts/events/payments'
import { asId, type IntentId, type OrderId } from '@campus/contracts/ids'
import type { Tx } from '@campus/platform/data/postgres'
import { type Handler, on } from '@campus/platform/events/consumer'
import type { Message } from '../message/message.ts'
import { type NotifyDeps, notify } from './notify.command.ts'
import { noteOwner, ownerOf } from './owner.store.ts'

/** What payers are told of their payments. */
export function paymentNews(deps: NotifyDeps): Handler[] {
  return [
    // Before all other events of the intent, because they share its key.
    on(intentCreated, async ({ tx, event, now }) => {
      const { userId, intentId } = event.data
      await noteOwner(tx, { type: 'intent', id: intentId }, { userId, now })
    }),
    on(paymentDeclined, async ({ tx, event, now }) => {
      const { ref, code, attemptsLeftCount } = event.data
      const message = { kind: 'payment_declined', ref, code, attemptsLeftCount } as const
      await tellPayer(tx, deps, { event, message, now })
    }),
    on(paymentActionRequired, async ({ tx, event, now }) => {
      const message = { kind: 'payment_action_required', ref: event.data.ref } as const
      await tellPayer(tx, deps, { event, message, now })
    }),
  ]
}

async function tellPayer(
  tx: Tx,
  deps: NotifyDeps,
  news: {
    readonly event: Event<{ readonly intentId: IntentId; readonly ref: Ref }>
    readonly message: Message
    readonly now: Date
  },
): Promise<void> {
  const { intentId, ref } = news.event.data
  // An intent from before anybody here listened is found by its order.
  const userId =
    (await ownerOf(tx, { type: 'intent', id: intentId })) ??
    (ref.type === 'order'
      ? await ownerOf(tx, { type: 'order', id: asId<OrderId>(ref.id) })
      : undefined)
  if (userId === undefined) deps.onSilence('orders', 'owner_unknown')
  else await notify(tx, deps, { ...news, userId })
}
