import type { Ref } from '@campus/contracts/events/orders'
import {
  intentCreated,
  paymentActionRequired,
  paymentDeclined,
} from '@campus/contracts/events/payments'
import { asId, type IntentId, type OrderId } from '@campus/contracts/ids'
import { type Handler, on } from '@campus/platform/events/consumer'
import type { Teller } from './notify.command.ts'
import type { Subject } from './subject.ts'

/** What payers are told of their payments. */
export function paymentNews({ owns, notify }: Teller): Handler[] {
  return [
    // Before all other events of the intent, because they share its key.
    on(intentCreated, async ({ tx, event, now }) => {
      const { userId, intentId } = event.data
      owns(tx, { type: 'intent', id: intentId }, userId, now)
    }),
    on(paymentDeclined, async ({ tx, event, now }) => {
      const { ref, code, attemptsLeftCount } = event.data
      const message = { kind: 'payment_declined', ref, code, attemptsLeftCount } as const
      notify(tx, { event, to: payerOf(event.data), message, now })
    }),
    on(paymentActionRequired, async ({ tx, event, now }) => {
      const message = { kind: 'payment_action_required', ref: event.data.ref } as const
      notify(tx, { event, to: payerOf(event.data), message, now })
    }),
  ]
}

/** An intent from before anybody here listened is found by its order. */
function payerOf({ intentId, ref }: { intentId: IntentId; ref: Ref }): Subject[] {
  const intent: Subject = { type: 'intent', id: intentId }
  return ref.type === 'order' ? [intent, { type: 'order', id: asId<OrderId>(ref.id) }] : [intent]
}
