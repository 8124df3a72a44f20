import { CaptureFailureCode, DeclineCode } from '@campus/contracts/events/payments'
import { At } from '@campus/contracts/fields'
import { AnyId, ChallengeId, DisputeId, IntentId, RefundId } from '@campus/contracts/ids'
import { Money } from '@campus/contracts/money'
import { type Static, Type } from 'typebox'

// What payments needs of a payment provider, and what it may learn from it. The simulated provider is
// one; a real one would be an adapter with the same six methods.

/** One attempt to pay: our reference at the provider, and its idempotency key. */
export const AttemptId = AnyId
export type AttemptId = Static<typeof AttemptId>

/** Something that happened to the money of an attempt; true once and for all. */
export const Fact = Type.Union([
  Type.Object({ kind: Type.Literal('action_required'), challengeId: ChallengeId }),
  Type.Object({ kind: Type.Literal('authorized'), amount: Money }),
  Type.Object({ kind: Type.Literal('declined'), code: DeclineCode, isFinal: Type.Boolean() }),
  Type.Object({
    kind: Type.Literal('captured'),
    amount: Money,
    captureId: AnyId,
    capturedAt: At,
  }),
  Type.Object({ kind: Type.Literal('capture_refused'), code: CaptureFailureCode }),
  Type.Object({ kind: Type.Literal('voided'), amount: Money }),
  Type.Object({ kind: Type.Literal('refunded'), amount: Money, refundId: RefundId }),
  Type.Object({
    kind: Type.Literal('refund_refused'),
    refundId: RefundId,
    code: Type.Union([Type.Literal('charge_disputed'), Type.Literal('provider_refused')]),
  }),
  Type.Object({ kind: Type.Literal('dispute_opened'), disputeId: DisputeId, amount: Money }),
  Type.Object({
    kind: Type.Literal('dispute_closed'),
    disputeId: DisputeId,
    amount: Money,
    outcome: Type.Union([Type.Literal('won'), Type.Literal('lost')]),
  }),
])
export type Fact = Static<typeof Fact>

/** Body of a webhook. */
export const Webhook = Type.Object({
  id: AnyId,
  intentId: IntentId,
  attemptId: AttemptId,
  at: At,
  fact: Fact,
})
export type Webhook = Static<typeof Webhook>

/** An authorisation that is asked for. */
export interface Authorization {
  readonly attemptId: AttemptId
  readonly intentId: IntentId
  readonly token: string
  readonly amount: Money
}

/** What a person recognises a card by. */
export interface Card {
  readonly brand: string
  readonly last4: string
}

/**
 * The provider of card payments. Every call is idempotent by its attempt: repeating one has no second
 * effect and answers the same. A rejected promise means that the outcome is unknown.
 */
export interface Provider {
  /** What a card is recognised by; undefined for a token that the provider does not know. */
  describe(token: string, signal: AbortSignal): Promise<Card | undefined>
  authorize(authorization: Authorization, signal: AbortSignal): Promise<Fact[]>
  capture(attemptId: AttemptId, amount: Money, signal: AbortSignal): Promise<Fact[]>
  void(attemptId: AttemptId, signal: AbortSignal): Promise<Fact[]>
  /** Gives back a part of a captured payment; idempotent by the refund's id. */
  refund(
    attemptId: AttemptId,
    refund: { readonly refundId: RefundId; readonly amount: Money },
    signal: AbortSignal,
  ): Promise<Fact[]>
  /** Everything that has happened to an attempt, in order; undefined when it never arrived. */
  find(attemptId: AttemptId, signal: AbortSignal): Promise<Fact[] | undefined>
}
