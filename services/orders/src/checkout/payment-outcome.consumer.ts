import type { Ref } from '@campus/contracts/events/orders'
import {
  captureFailed,
  intentCreated,
  paymentAuthorized,
  paymentCaptured,
  paymentDeclined,
  paymentVoided,
} from '@campus/contracts/events/payments'
import { asId, type OrderId } from '@campus/contracts/ids'
import type { Tx } from '@campus/platform/data/postgres'
import { type Handler, on } from '@campus/platform/events/consumer'
import { advanceOrder, type SagaDeps } from './advance-order.command.ts'
import type { Happening } from './saga.ts'

/** What payments tells about the money of an order; fines are none of its business. */
export function paymentOutcomeHandlers(saga: SagaDeps): Handler[] {
  async function advance(tx: Tx, ref: Ref, happening: Happening, now: Date): Promise<void> {
    if (ref.type === 'order') await advanceOrder(tx, saga, asId<OrderId>(ref.id), happening, now)
  }
  return [
    on(intentCreated, async ({ tx, event: { data }, now }) => {
      await advance(tx, data.ref, { kind: 'intent_created', intentId: data.intentId }, now)
    }),
    on(paymentDeclined, async ({ tx, event: { data }, now }) => {
      const { ref, code, attemptsLeftCount } = data
      const attemptsLeft = data.retryable ? attemptsLeftCount : 0
      await advance(tx, ref, { kind: 'payment_declined', code, attemptsLeft }, now)
    }),
    on(paymentAuthorized, async ({ tx, event: { data }, now }) => {
      await advance(tx, data.ref, { kind: 'payment_authorized' }, now)
    }),
    on(paymentCaptured, async ({ tx, event: { data }, now }) => {
      await advance(tx, data.ref, { kind: 'payment_captured' }, now)
    }),
    on(captureFailed, async ({ tx, event: { data }, now }) => {
      await advance(tx, data.ref, { kind: 'capture_failed' }, now)
    }),
    on(paymentVoided, async ({ tx, event: { data }, now }) => {
      await advance(tx, data.ref, { kind: 'payment_voided' }, now)
    }),
  ]
}
