import type { CaptureFailureCode, DeclineCode } from '@campus/contracts/events/payments'
import type { AnyId, ChallengeId, DisputeId, IntentId, RefundId } from '@campus/contracts/ids'
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
  readonly refunds: readonly { readonly refundId: RefundId; readonly amount: number }[]
  readonly disputeId: DisputeId | null
  readonly disputeState: 'open' | 'lost' | null
  /** When the next thing happens to the dispute. */
  readonly disputeAt: Date | null
  readonly refundAttempts: number
  readonly createdAt: Date
}

/** Delays of the scenarios, in milliseconds. */
export interface PspDelays {
  readonly lateSuccessMs: number
  readonly lateWebhookMs: number
  readonly repeatMs: number
  readonly lateRepeatMs: number
  readonly reorderMs: number
  readonly disputeMs: number
  readonly disputeLostMs: number
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
      return [authorized, ...capturesOf(payment), ...refundsOf(payment), ...disputesOf(payment)]
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

function refundsOf({ refunds, currency }: PspPayment): Fact[] {
  return refunds.map(({ refundId, amount }) => {
    return { kind: 'refunded', amount: { amount, currency }, refundId }
  })
}

function disputesOf(payment: PspPayment): Fact[] {
  const { disputeId, disputeState, currency } = payment
  if (disputeId === null || disputeState === null) return []
  // The bank takes what was left when the buyer complained; nothing is refunded from then on.
  const amount = { amount: keptMinor(payment), currency }
  const opened: Fact = { kind: 'dispute_opened', disputeId, amount }
  return disputeState === 'open'
    ? [opened]
    : [opened, { kind: 'dispute_closed', disputeId, amount, outcome: 'lost' }]
}

/** What the merchant still has of a payment, in minor units. */
export function keptMinor({ captured, refunds }: PspPayment): number {
  return (captured ?? 0) - refunds.reduce((sum, { amount }) => sum + amount, 0)
}

/** The money is taken, as far as the card lets it. */
export function capturedPayment(
  payment: PspPayment,
  capture: { readonly captureId: AnyId; readonly amount: number },
  now: Date,
  delays: PspDelays,
): PspPayment {
  if (payment.state !== 'authorized') return payment
  const { refusesCapture, isChargedBack } = scenarioOf(payment.token)
  if (refusesCapture) return { ...payment, isCaptureRefused: true }
  return {
    ...payment,
    state: 'captured',
    captureId: capture.captureId,
    captured: capture.amount,
    capturedAt: now,
    disputeAt: isChargedBack ? after(now, delays.disputeMs) : null,
  }
}

/** One attempt to give money back; the same payment when it cannot be, or was given back already. */
export function refundedPayment(
  payment: PspPayment,
  refund: { readonly refundId: RefundId; readonly amount: number },
): PspPayment {
  if (refundRefusal(payment, refund) !== undefined) return payment
  if (payment.refunds.some(({ refundId }) => refundId === refund.refundId)) return payment
  const refundAttempts = payment.refundAttempts + 1
  if (refundAttempts <= scenarioOf(payment.token).refundFailureCount) {
    return { ...payment, refundAttempts }
  }
  const back = { ...payment, refundAttempts, refunds: [...payment.refunds, refund] }
  return keptMinor(back) === 0 ? { ...back, state: 'refunded' } : back
}

/** Why a refund is refused; undefined when it is not. */
export function refundRefusal(
  payment: PspPayment,
  { refundId, amount }: { readonly refundId: RefundId; readonly amount: number },
): 'charge_disputed' | 'provider_refused' | undefined {
  if (payment.refunds.some(known => known.refundId === refundId)) return undefined
  if (payment.disputeState !== null) return 'charge_disputed'
  return payment.state === 'captured' && amount <= keptMinor(payment)
    ? undefined
    : 'provider_refused'
}

/** The next thing that happens to a dispute: it opens, and then it is lost. */
export function disputedPayment(
  payment: PspPayment,
  disputeId: DisputeId,
  now: Date,
  delays: PspDelays,
): PspPayment {
  // Nothing is left to complain about.
  if (payment.state !== 'captured') return { ...payment, disputeAt: null }
  if (payment.disputeState === 'open') return { ...payment, disputeState: 'lost', disputeAt: null }
  const disputeAt = after(now, Math.max(0, delays.disputeLostMs - delays.disputeMs))
  return { ...payment, disputeId, disputeState: 'open', disputeAt }
}

/** Names one fact of a payment among all of them. */
export function factKey(fact: Fact): string {
  return fact.kind === 'refunded' ? `refunded ${fact.refundId}` : fact.kind
}

function after(now: Date, ms: number): Date {
  return new Date(now.getTime() + ms)
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
    refunds: [],
    disputeId: null,
    disputeState: null,
    disputeAt: null,
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
      return { ...payment, state: 'pending', settleAt: after(now, waitMs) }
    }
  }
}

/** When the webhook of a fact is sent: once, or three times; at once, or late on purpose. */
export function dueTimes(token: string, kind: Fact['kind'], now: Date, delays: PspDelays): Date[] {
  const { repeatsWebhooks, reordersWebhooks } = scenarioOf(token)
  const waitMs = reordersWebhooks && kind === 'authorized' ? delays.reorderMs : 0
  const offsets = repeatsWebhooks ? [0, delays.repeatMs, delays.lateRepeatMs] : [waitMs]
  return offsets.map(ms => after(now, ms))
}
