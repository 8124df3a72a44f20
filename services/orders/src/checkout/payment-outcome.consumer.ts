import type { Ref } from '@campus/contracts/events/orders'
import {
  captureFailed,
  disputeClosed,
  intentCreated,
  paymentAuthorized,
  paymentCaptured,
  paymentDeclined,
  paymentVoided,
  refundFailed,
  refundSucceeded,
} from '@campus/contracts/events/payments'
import { asId, type OrderId, type RefundId } from '@campus/contracts/ids'
import type { Tx } from '@campus/platform/data/postgres'
import { type Handler, on } from '@campus/platform/events/consumer'
import type { Tell } from './advance-order.command.ts'
import type { Happening } from './saga-state.ts'

/** What payments tells about the money of an order; fines are none of its business. */
export function paymentOutcomeHandlers(tell: Tell): Handler[] {
  function advance(tx: Tx, ref: Ref, happening: Happening, now: Date): void {
    if (ref.type === 'order') tell(tx, asId<OrderId>(ref.id), happening, now)
  }
  return [
    on(intentCreated, async ({ tx, event: { data }, now }) => {
      advance(tx, data.ref, { kind: 'intent_created', intentId: data.intentId }, now)
    }),
    on(paymentDeclined, async ({ tx, event: { data }, now }) => {
      const { ref, code, attemptsLeftCount } = data
      const attemptsLeft = data.retryable ? attemptsLeftCount : 0
      advance(tx, ref, { kind: 'payment_declined', code, attemptsLeft }, now)
    }),
    on(paymentAuthorized, async ({ tx, event: { data }, now }) => {
      advance(tx, data.ref, { kind: 'payment_authorized' }, now)
    }),
    on(paymentCaptured, async ({ tx, event: { data }, now }) => {
      advance(tx, data.ref, { kind: 'payment_captured' }, now)
    }),
    on(captureFailed, async ({ tx, event: { data }, now }) => {
      advance(tx, data.ref, { kind: 'capture_failed' }, now)
    }),
    on(paymentVoided, async ({ tx, event: { data }, now }) => {
      const refundedMinor = data.outcome === 'refunded' ? (data.amount?.amount ?? 0) : 0
      advance(tx, data.ref, { kind: 'payment_voided', refundedMinor }, now)
    }),
    on(refundSucceeded, async ({ tx, event: { data }, now }) => {
      const { ref, refundId } = data
      advance(tx, ref, { kind: 'refund_succeeded', refundId }, now)
    }),
    on(refundFailed, async ({ tx, event: { data }, now }) => {
      const { ref, refundId, final: isFinal } = data
      advance(tx, ref, { kind: 'refund_failed', refundId, isFinal }, now)
    }),
    on(disputeClosed, async ({ tx, event: { data }, now }) => {
      if (data.outcome === 'won') return
      const refundId = asId<RefundId>(data.disputeId)
      const amountMinor = data.amount.amount
      advance(tx, data.ref, { kind: 'dispute_lost', refundId, amountMinor }, now)
    }),
  ]
}
