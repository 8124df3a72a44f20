import type { CaptureFailureCode, DeclineCode } from '@campus/contracts/events/payments'
import type { AnyId, ChallengeId, IntentId } from '@campus/contracts/ids'
import type { Static } from 'typebox'
import type { AttemptId, Fact } from './provider.ts'
import { scenarioOf } from './scenario.ts'

export type PspState =
  | 'pending'
  | 'requires_action'
  | 'authorized'
  | 'declined'
  | 'captured'
  | 'voided'
  | 'refunded'

/** A payment as the simulated provider keeps it. */
export interface PspPayment {
  readonly attemptId: AttemptId
  readonly intentId: IntentId
  readonly token: string
  readonly amount: number
  readonly currency: string
  readonly state: PspState
  readonly declineCode: Static<typeof DeclineCode> | null
  readonly challengeId: ChallengeId | null
  readonly settleAt: Date | null
  readonly captureId: AnyId | null
  readonly captured: number | null
  readonly capturedAt: Date | null
  readonly isCaptureRefused: boolean
  readonly refundId: AnyId | null
  readonly refundAttempts: number
  readonly createdAt: Date
}

/** Delays of the scenarios, in milliseconds. */
export interface PspDelays {
  readonly lateSuccessMs: number
  readonly lateWebhookMs: number
  readonly repeatMs: number
  readonly lateRepeatMs: number
}

const captureRefused: Static<typeof CaptureFailureCode> = 'capture_refused'

/** Everything that has happened to a payment, in the order in which it happened. */
export function factsOf(payment: PspPayment): Fact[] {
  const { amount, currency, token } = payment
  const authorized: Fact = { kind: 'authorized', amount: { amount, currency } }
  switch (payment.state) {
    case 'pending':
      return []
    case 'requires_action':
      return payment.challengeId === null
        ? []
        : [{ kind: 'action_required', challengeId: payment.challengeId }]
    case 'declined': {
      const { authorization } = scenarioOf(token)
      const isFinal = authorization.kind === 'declined' && authorization.isFinal
      const code = payment.declineCode ?? 'insufficient_funds'
      return [{ kind: 'declined', code, isFinal }]
    }
    case 'authorized':
      return payment.isCaptureRefused
        ? [authorized, { kind: 'capture_refused', code: captureRefused }]
        : [authorized]
    case 'captured':
      return [authorized, ...capturesOf(payment)]
    case 'voided':
      return [authorized, { kind: 'voided', amount: { amount, currency } }]
    case 'refunded':
      return [authorized, ...capturesOf(payment), ...refundsOf(payment)]
  }
}

function capturesOf({ captureId, captured, capturedAt, currency }: PspPayment): Fact[] {
  if (captureId === null || captured === null || capturedAt === null) return []
  return [
    {
      kind: 'captured',
      amount: { amount: captured, currency },
      captureId,
      capturedAt: capturedAt.toISOString(),
    },
  ]
}

function refundsOf({ refundId, captured, currency }: PspPayment): Fact[] {
  if (refundId === null || captured === null) return []
  return [{ kind: 'refunded', amount: { amount: captured, currency }, refundId }]
}

/** A payment as it is right after the call that makes it. */
export function startedPayment(
  authorization: Pick<PspPayment, 'attemptId' | 'intentId' | 'token' | 'amount' | 'currency'>,
  challengeId: ChallengeId,
  now: Date,
  delays: PspDelays,
): PspPayment {
  const payment: PspPayment = {
    ...authorization,
    state: 'authorized',
    declineCode: null,
    challengeId: null,
    settleAt: null,
    captureId: null,
    captured: null,
    capturedAt: null,
    isCaptureRefused: false,
    refundId: null,
    refundAttempts: 0,
    createdAt: now,
  }
  const { authorization: plan } = scenarioOf(authorization.token)
  switch (plan.kind) {
    case 'authorized':
      return payment
    case 'declined':
      return { ...payment, state: 'declined', declineCode: plan.code }
    case 'challenge':
      return { ...payment, state: 'requires_action', challengeId }
    case 'silent': {
      const waitMs = plan.until === 'lateSuccess' ? delays.lateSuccessMs : delays.lateWebhookMs
      return { ...payment, state: 'pending', settleAt: new Date(now.getTime() + waitMs) }
    }
  }
}

/** When the webhook of a fact is sent: once, or three times. */
export function dueTimes(token: string, now: Date, delays: PspDelays): Date[] {
  const offsets = scenarioOf(token).repeatsWebhooks
    ? [0, delays.repeatMs, delays.lateRepeatMs]
    : [0]
  return offsets.map(ms => new Date(now.getTime() + ms))
}
