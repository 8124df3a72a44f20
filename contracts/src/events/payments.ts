import { Type } from 'typebox'
import { defineEvent } from '../envelope.ts'
import { At, Count } from '../fields.ts'
import { type AnyId, asId, ChallengeId, DisputeId, IntentId, RefundId, UserId } from '../ids.ts'
import { Money } from '../money.ts'
import { Ref } from './orders.ts'

const intentId = asId<IntentId>('0193a1c0-0000-7000-8000-000000000031')
const userId = asId<UserId>('0193a1c0-0000-7000-8000-000000000001')
const ref = { type: 'order' as const, id: asId<AnyId>('0193a1c0-0000-7000-8000-000000000021') }
const amount = { amount: 2_580, currency: 'EUR' }
const intent = { aggregate: 'intent', subject: 'intentId' } as const
const IntentRef = { intentId: IntentId, ref: Ref }

/** Why the provider said no. */
export const DeclineCode = Type.Union([
  Type.Literal('insufficient_funds'),
  Type.Literal('card_stolen'),
  Type.Literal('challenge_failed'),
])

export const CaptureFailureCode = Type.Union([
  Type.Literal('capture_refused'),
  Type.Literal('authorization_lapsed'),
])

export const intentCreated = defineEvent({
  type: 'payments.intent_created.v1',
  ...intent,
  schema: Type.Object({ ...IntentRef, userId: UserId, amount: Money, expiresAt: At }),
  example: { intentId, ref, userId, amount, expiresAt: '2026-01-01T00:15:00.000Z' },
})

export const paymentActionRequired = defineEvent({
  type: 'payments.payment_action_required.v1',
  ...intent,
  schema: Type.Object({ ...IntentRef, challengeId: ChallengeId }),
  example: {
    intentId,
    ref,
    challengeId: asId<ChallengeId>('0193a1c0-0000-7000-8000-000000000032'),
  },
})

export const paymentDeclined = defineEvent({
  type: 'payments.payment_declined.v1',
  ...intent,
  schema: Type.Object({
    ...IntentRef,
    code: DeclineCode,
    retryable: Type.Boolean(),
    attemptsLeftCount: Count,
  }),
  example: { intentId, ref, code: 'insufficient_funds', retryable: true, attemptsLeftCount: 2 },
})

export const paymentAuthorized = defineEvent({
  type: 'payments.payment_authorized.v1',
  ...intent,
  schema: Type.Object({ ...IntentRef, amount: Money }),
  example: { intentId, ref, amount },
})

export const paymentCaptured = defineEvent({
  type: 'payments.payment_captured.v1',
  ...intent,
  schema: Type.Object({ ...IntentRef, amount: Money, capturedAt: At }),
  example: { intentId, ref, amount, capturedAt: '2026-01-01T00:01:00.000Z' },
})

export const captureFailed = defineEvent({
  type: 'payments.capture_failed.v1',
  ...intent,
  schema: Type.Object({ ...IntentRef, code: CaptureFailureCode }),
  example: { intentId, ref, code: 'capture_refused' },
})

export const paymentVoided = defineEvent({
  type: 'payments.payment_voided.v1',
  ...intent,
  schema: Type.Object({
    ...IntentRef,
    outcome: Type.Union([
      Type.Literal('nothing'),
      Type.Literal('voided'),
      Type.Literal('refunded'),
    ]),
    amount: Type.Optional(Money),
    cause: Type.Union([
      Type.Literal('requested'),
      Type.Literal('lapsed'),
      Type.Literal('orphaned'),
    ]),
  }),
  example: { intentId, ref, outcome: 'voided', cause: 'requested' },
})

export const latePaymentRefunded = defineEvent({
  type: 'payments.late_payment_refunded.v1',
  ...intent,
  schema: Type.Object({ ...IntentRef, amount: Money }),
  example: { intentId, ref, amount },
})

/** Why a refund will not come by itself. */
export const RefundFailureCode = Type.Union([
  Type.Literal('not_captured'),
  Type.Literal('exceeds_captured'),
  Type.Literal('charge_disputed'),
  Type.Literal('provider_refused'),
  Type.Literal('provider_silent'),
])

const refundId = asId<RefundId>('0193a1c0-0000-7000-8000-000000000024')
const disputeId = asId<DisputeId>('0193a1c0-0000-7000-8000-000000000033')

export const refundSucceeded = defineEvent({
  type: 'payments.refund_succeeded.v1',
  ...intent,
  schema: Type.Object({ ...IntentRef, refundId: RefundId, amount: Money }),
  example: { intentId, ref, refundId, amount },
})

export const refundFailed = defineEvent({
  type: 'payments.refund_failed.v1',
  ...intent,
  schema: Type.Object({
    ...IntentRef,
    refundId: RefundId,
    code: RefundFailureCode,
    /** Whether it is given up until somebody asks again. */
    final: Type.Boolean(),
  }),
  example: { intentId, ref, refundId, code: 'provider_silent', final: true },
})

export const disputeOpened = defineEvent({
  type: 'payments.dispute_opened.v1',
  ...intent,
  schema: Type.Object({ ...IntentRef, disputeId: DisputeId, amount: Money }),
  example: { intentId, ref, disputeId, amount },
})

export const disputeClosed = defineEvent({
  type: 'payments.dispute_closed.v1',
  ...intent,
  schema: Type.Object({
    ...IntentRef,
    disputeId: DisputeId,
    amount: Money,
    outcome: Type.Union([Type.Literal('won'), Type.Literal('lost')]),
  }),
  example: { intentId, ref, disputeId, amount, outcome: 'lost' },
})
