import type { Ref } from '@campus/contracts/events/orders'
import type {
  CaptureFailureCode,
  DeclineCode,
  RefundFailureCode,
} from '@campus/contracts/events/payments'
import type { ChallengeId, DisputeId, IntentId, RefundId, UserId } from '@campus/contracts/ids'
import type { Money } from '@campus/contracts/money'
import type { Static } from 'typebox'
import type { AttemptId } from '../psp/provider.ts'

export const states = [
  'requires_payment',
  'processing',
  'requires_action',
  'authorized',
  'capturing',
  'captured',
  'cancelled',
] as const
export type IntentState = (typeof states)[number]

/** An intent may be tried so many times. */
export const attemptsMax = 3

/** How a request to take everything back was answered. */
export interface Voiding {
  readonly outcome: 'nothing' | 'voided' | 'refunded'
  readonly cause: 'requested' | 'lapsed' | 'orphaned'
}

/** Money on its way back, or back. The provider knows it by its id. */
export interface Refund {
  readonly id: RefundId
  readonly amountMinor: number
  /** `rest`: what is left of a payment that goes back as a whole; it is told by the void's answer. */
  readonly kind: 'asked' | 'rest'
  readonly state: 'pending' | 'succeeded' | 'failed'
  readonly code: Static<typeof RefundFailureCode> | null
  /** Attempts that have failed. */
  readonly attempts: number
  /** When it is tried again. */
  readonly nextAt: Date
  readonly createdAt: Date
}

/** The buyer's bank wants the money back. */
export interface Dispute {
  readonly id: DisputeId
  readonly amountMinor: number
  readonly state: 'open' | 'won' | 'lost'
}

/** A payment of one thing by one person: the only place where money is promised and taken. */
export interface Intent {
  readonly id: IntentId
  /** What is paid for; one intent per Ref. */
  readonly ref: Ref
  readonly userId: UserId
  /** Minor units, as all amounts of the intent. */
  readonly amountMinor: number
  readonly currency: string
  readonly state: IntentState
  /** No attempt begins after this moment. */
  readonly expiresAt: Date
  /** Attempts that have begun. */
  readonly attemptCount: number
  readonly attemptsLeft: number
  /** The last attempt; earlier ones were declined, so nothing can be news of them. */
  readonly attemptId: AttemptId | null
  readonly declineCode: Static<typeof DeclineCode> | null
  readonly challengeId: ChallengeId | null
  readonly authorizedMinor: number
  readonly capturedMinor: number
  readonly refundedMinor: number
  readonly capturedAt: Date | null
  readonly captureFailure: Static<typeof CaptureFailureCode> | null
  /**
   * Why all of the money must go back: `late` came after the cancellation, and for `orphaned` no order
   * was confirmed.
   */
  readonly returnCause: 'requested' | 'late' | 'orphaned' | null
  /** When it was back. */
  readonly returnedAt: Date | null
  /** The answer that orders got; null while none was given. */
  readonly voiding: Voiding | null
  readonly refunds: readonly Refund[]
  readonly dispute: Dispute | null
  /** When the order was confirmed. */
  readonly confirmedAt: Date | null
  /** The story's first request, so that a webhook continues it. */
  readonly correlationId: string
  /** Raised by each change; the ETag. */
  readonly version: number
  readonly createdAt: Date
  readonly updatedAt: Date
}

/** What an intent is asked for. */
export interface WantedIntent {
  readonly id: IntentId
  readonly ref: Ref
  readonly userId: UserId
  readonly amount: Money
  readonly expiresAt: Date
  readonly correlationId: string
}

/** An intent that nobody has tried to pay yet. */
export function newIntent(wanted: WantedIntent, now: Date): Intent {
  const { amount, ...rest } = wanted
  return {
    ...rest,
    amountMinor: amount.amount,
    currency: amount.currency,
    state: 'requires_payment',
    attemptCount: 0,
    attemptsLeft: attemptsMax,
    attemptId: null,
    declineCode: null,
    challengeId: null,
    authorizedMinor: 0,
    capturedMinor: 0,
    refundedMinor: 0,
    capturedAt: null,
    captureFailure: null,
    returnCause: null,
    returnedAt: null,
    voiding: null,
    refunds: [],
    dispute: null,
    confirmedAt: null,
    version: 1,
    createdAt: now,
    updatedAt: now,
  }
}

/** Whether the provider is at work, so that waiting makes sense. */
export function isInProgress({ state }: Intent): boolean {
  return state === 'processing' || state === 'capturing'
}

/** Minor units that can still be refunded: neither back, nor on their way, nor disputed. */
export function refundableMinor({ capturedMinor, refunds, dispute }: Intent): number {
  const asked = refunds
    .filter(({ state }) => state !== 'failed')
    .reduce((sum, { amountMinor }) => sum + amountMinor, 0)
  const disputed = dispute === null || dispute.state === 'won' ? 0 : dispute.amountMinor
  return Math.max(0, capturedMinor - asked - disputed)
}
