import type { NewEvent } from '@campus/contracts/envelope'
import {
  captureFailed,
  intentCreated,
  latePaymentRefunded,
  paymentActionRequired,
  paymentAuthorized,
  paymentCaptured,
  paymentDeclined,
  paymentVoided,
} from '@campus/contracts/events/payments'
import type { AnyId } from '@campus/contracts/ids'
import type { Money } from '@campus/contracts/money'
import { refuseAll } from '@campus/platform/errors'
import { refuse } from '../errors.ts'
import type { AttemptId, Fact } from '../psp/provider.ts'
import { attemptsMax, type Intent, type Voiding } from './intent.ts'

// The life of a payment intent:
//
//   requires_payment → processing → authorized → capturing → captured
//          ↑   declined   ↓   ↑ challenge passed
//          └──────────────requires_action          cancelled: from any state before captured
//
// What the provider says may come twice, late and in any order, by the answer of a call, by a query
// and by webhooks; so it is told as facts, and a fact that is known already changes nothing (P3).
// Requests of orders come in order. Each is answered by one event, from the state when it is repeated.
//
// Money never stays without an order: after a void request, and after a cancellation when the provider
// authorises all the same, `returnCause` is set, and the money is voided or refunded until it is back.

/** What the provider is to be asked for. */
export type CallKind = 'authorize' | 'capture' | 'void' | 'refund'

/** What must be written into the ledger. */
export type Booking =
  | { readonly kind: 'captured'; readonly amountMinor: number; readonly captureId: AnyId }
  | { readonly kind: 'refunded'; readonly amountMinor: number; readonly refundId: AnyId }

/** What becomes of an intent; the same intent when nothing changes. */
export interface Outcome {
  readonly intent: Intent
  readonly publish: readonly NewEvent[]
  readonly calls: readonly CallKind[]
  readonly bookings: readonly Booking[]
}

/** What opening an intent means: one that is late already is closed at once. */
export function decideOpening(intent: Intent, now: Date): Outcome {
  const opened = outcome(intent, { publish: [createdOf(intent)] })
  return intent.expiresAt > now ? opened : followedBy(opened, decideVoid(intent))
}

/** The answer to a request that was asked again. */
export function decideOpenedAgain(intent: Intent): Outcome {
  return outcome(intent, { publish: [createdOf(intent)] })
}

/**
 * Begins an attempt to pay.
 *
 * @throws AppError with every reason that holds: `payments.token_unknown`, `payments.intent_closed`,
 *   `payments.intent_in_progress`, `payments.already_paid`, `payments.attempts_exhausted`
 */
export function decideConfirmation(
  intent: Intent,
  attempt: { readonly attemptId: AttemptId; readonly isTokenKnown: boolean; readonly now: Date },
): Outcome {
  const { attemptId, isTokenKnown, now } = attempt
  const reasons = isTokenKnown ? [] : [refuse.token_unknown()]
  switch (intent.state) {
    case 'requires_payment':
      if (intent.expiresAt <= now) reasons.push(refuse.intent_closed())
      if (intent.attemptsLeft <= 0) reasons.push(refuse.attempts_exhausted())
      break
    case 'processing':
    case 'requires_action':
      reasons.push(refuse.intent_in_progress())
      break
    case 'authorized':
    case 'capturing':
    case 'captured':
      reasons.push(refuse.already_paid())
      break
    case 'cancelled':
      reasons.push(refuse.intent_closed())
      break
  }
  refuseAll(reasons)
  const attemptCount = intent.attemptCount + 1
  const trying: Intent = {
    ...intent,
    state: 'processing',
    attemptId,
    attemptCount,
    attemptsLeft: attemptsMax - attemptCount,
    declineCode: null,
    challengeId: null,
  }
  return outcome(trying, { calls: ['authorize'] })
}

/** What a request to take the authorised money means. */
export function decideCapture(intent: Intent, amount: Money): Outcome {
  switch (intent.state) {
    case 'authorized': {
      // What was authorised is captured whole; anything else is a mistake of somebody (P2).
      const isWhole =
        amount.currency === intent.currency && amount.amount === intent.authorizedMinor
      if (intent.captureFailure !== null) return refusedCapture(intent, intent.captureFailure)
      if (!isWhole) return refusedCapture(intent, 'capture_refused')
      return outcome({ ...intent, state: 'capturing' }, { calls: ['capture'] })
    }
    case 'capturing':
      // The answer follows; the call is repeated, in case it was given up.
      return outcome(intent, { calls: ['capture'] })
    case 'captured':
      return outcome(intent, { publish: [capturedOf(intent)] })
    case 'cancelled':
      return refusedCapture(intent, 'authorization_lapsed')
    case 'requires_payment':
    case 'processing':
    case 'requires_action':
      return refusedCapture(intent, 'capture_refused')
  }
}

/** What a request to take everything back means, whatever was paid until now. */
export function decideVoid(intent: Intent): Outcome {
  if (intent.voiding !== null)
    return outcome(intent, { publish: [voidedOf(intent, intent.voiding)] })
  const returning: Intent = { ...intent, returnCause: 'requested' }
  switch (intent.state) {
    case 'requires_payment':
    case 'processing':
    case 'requires_action':
      // An attempt may still be on its way: what it authorises is given back as late.
      return answeredVoid(
        { ...intent, state: 'cancelled' },
        { outcome: 'nothing', cause: 'requested' },
      )
    case 'cancelled':
      // The answer follows; the call is repeated, in case it was given up.
      return outcome(intent, { calls: ['void'] })
    case 'authorized':
      return outcome({ ...returning, state: 'cancelled' }, { calls: ['void'] })
    case 'capturing':
      // The outcome of the capture decides whether there is something to void or to refund.
      return outcome(returning, { calls: ['capture'] })
    case 'captured':
      return outcome(returning, { calls: ['refund'] })
  }
}

/** What a fact means that the provider tells about the intent's attempt. */
export function decideFact(intent: Intent, fact: Fact, now: Date): Outcome {
  switch (fact.kind) {
    case 'action_required':
      if (intent.state !== 'processing') return outcome(intent)
      return outcome(
        { ...intent, state: 'requires_action', challengeId: fact.challengeId },
        {
          publish: [paymentActionRequired.of({ ...idsOf(intent), challengeId: fact.challengeId })],
        },
      )
    case 'authorized':
      return authorized(intent, fact.amount.amount)
    case 'declined':
      return declined(intent, fact)
    case 'captured':
      return captured(intent, fact)
    case 'capture_refused':
      return captureRefused(intent, fact)
    case 'voided':
      return voided(intent, now)
    case 'refunded':
      return refunded(intent, fact, now)
  }
}

/** Whether an outcome leaves everything as it is. */
export function isWithoutEffect(before: Intent, { intent, publish, calls }: Outcome): boolean {
  return intent === before && publish.length === 0 && calls.length === 0
}

/** Several facts, in the order in which they happened. */
export function decideFacts(intent: Intent, facts: readonly Fact[], now: Date): Outcome {
  return facts.reduce(
    (before, fact) => followedBy(before, decideFact(before.intent, fact, now)),
    outcome(intent),
  )
}

function authorized(intent: Intent, amountMinor: number): Outcome {
  if (intent.authorizedMinor > 0) return outcome(intent)
  const paid = { ...intent, authorizedMinor: amountMinor, challengeId: null }
  switch (intent.state) {
    case 'processing':
    case 'requires_action':
      return outcome(
        { ...paid, state: 'authorized' },
        {
          publish: [
            paymentAuthorized.of({ ...idsOf(intent), amount: moneyOf(intent, amountMinor) }),
          ],
        },
      )
    case 'cancelled':
      // Too late: the order is gone, so the money goes back.
      return outcome({ ...paid, returnCause: 'late' }, { calls: ['void'] })
    case 'requires_payment':
    case 'authorized':
    case 'capturing':
    case 'captured':
      return outcome(intent)
  }
}

function declined(intent: Intent, { code, isFinal }: Extract<Fact, { kind: 'declined' }>): Outcome {
  if (intent.state !== 'processing' && intent.state !== 'requires_action') return outcome(intent)
  const attemptsLeft = isFinal ? 0 : intent.attemptsLeft
  return outcome(
    { ...intent, state: 'requires_payment', declineCode: code, attemptsLeft, challengeId: null },
    {
      publish: [
        paymentDeclined.of({
          ...idsOf(intent),
          code,
          retryable: attemptsLeft > 0,
          attemptsLeftCount: attemptsLeft,
        }),
      ],
    },
  )
}

function captured(intent: Intent, fact: Extract<Fact, { kind: 'captured' }>): Outcome {
  if (intent.capturedMinor > 0) return outcome(intent)
  const amountMinor = fact.amount.amount
  // The news of the capture may overtake that of the authorisation, which it implies.
  const before = intent.authorizedMinor > 0 ? outcome(intent) : authorized(intent, amountMinor)
  if (before.intent.authorizedMinor === 0) return outcome(intent)
  const isLate = before.intent.state === 'cancelled'
  const paid: Intent = {
    ...before.intent,
    state: isLate ? 'cancelled' : 'captured',
    capturedMinor: amountMinor,
    capturedAt: new Date(fact.capturedAt),
    captureFailure: null,
  }
  return {
    intent: paid,
    publish: [...before.publish, capturedOf(paid)],
    calls: paid.returnCause === null ? [] : ['refund'],
    bookings: [{ kind: 'captured', amountMinor, captureId: fact.captureId }],
  }
}

function captureRefused(
  intent: Intent,
  { code }: Extract<Fact, { kind: 'capture_refused' }>,
): Outcome {
  if (intent.state !== 'capturing') return outcome(intent)
  const isUnwanted = intent.returnCause !== null
  const refused: Intent = {
    ...intent,
    state: isUnwanted ? 'cancelled' : 'authorized',
    captureFailure: code,
  }
  return {
    ...refusedCapture(refused, code),
    // Orders has asked for the money while the capture was on its way.
    calls: isUnwanted ? ['void'] : [],
  }
}

function voided(intent: Intent, now: Date): Outcome {
  if (intent.returnedAt !== null || intent.capturedMinor > 0) return outcome(intent)
  const amount = moneyOf(intent, intent.authorizedMinor)
  switch (intent.returnCause) {
    case 'requested':
      return answeredVoid(
        { ...intent, state: 'cancelled', returnedAt: now },
        { outcome: 'voided', cause: 'requested' },
      )
    case 'late':
      return outcome(
        { ...intent, returnedAt: now },
        { publish: [latePaymentRefunded.of({ ...idsOf(intent), amount })] },
      )
    case null:
      // Nobody asked for it: the provider has let the authorisation lapse.
      return intent.state === 'authorized' || intent.state === 'capturing'
        ? answeredVoid(
            { ...intent, state: 'cancelled', returnedAt: now },
            { outcome: 'voided', cause: 'lapsed' },
          )
        : outcome(intent)
  }
}

function refunded(
  intent: Intent,
  { amount, refundId }: Extract<Fact, { kind: 'refunded' }>,
  now: Date,
): Outcome {
  // A refund is only asked for once the capture is known, so there is none without it (P2).
  const isExpected = intent.returnCause !== null && intent.capturedMinor >= amount.amount
  if (intent.refundedMinor > 0 || !isExpected) return outcome(intent)
  const back: Intent = { ...intent, refundedMinor: amount.amount, returnedAt: now }
  const told =
    intent.returnCause === 'late'
      ? outcome(back, { publish: [latePaymentRefunded.of({ ...idsOf(intent), amount })] })
      : answeredVoid(back, { outcome: 'refunded', cause: 'requested' })
  return { ...told, bookings: [{ kind: 'refunded', amountMinor: amount.amount, refundId }] }
}

function outcome(
  intent: Intent,
  more: { readonly publish?: readonly NewEvent[]; readonly calls?: readonly CallKind[] } = {},
): Outcome {
  return { intent, publish: more.publish ?? [], calls: more.calls ?? [], bookings: [] }
}

function followedBy(first: Outcome, second: Outcome): Outcome {
  return {
    intent: second.intent,
    publish: [...first.publish, ...second.publish],
    calls: [...first.calls, ...second.calls],
    bookings: [...first.bookings, ...second.bookings],
  }
}

function answeredVoid(intent: Intent, voiding: Voiding): Outcome {
  const answered = { ...intent, voiding }
  return outcome(answered, { publish: [voidedOf(answered, voiding)] })
}

function refusedCapture(intent: Intent, code: NonNullable<Intent['captureFailure']>): Outcome {
  return outcome(intent, { publish: [captureFailed.of({ ...idsOf(intent), code })] })
}

function createdOf(intent: Intent): NewEvent {
  return intentCreated.of({
    ...idsOf(intent),
    userId: intent.userId,
    amount: moneyOf(intent, intent.amountMinor),
    expiresAt: intent.expiresAt.toISOString(),
  })
}

function capturedOf(intent: Intent): NewEvent {
  return paymentCaptured.of({
    ...idsOf(intent),
    amount: moneyOf(intent, intent.capturedMinor),
    capturedAt: (intent.capturedAt ?? intent.updatedAt).toISOString(),
  })
}

function voidedOf(intent: Intent, { outcome: result, cause }: Voiding): NewEvent {
  const amountMinor = result === 'refunded' ? intent.refundedMinor : intent.authorizedMinor
  return paymentVoided.of({
    ...idsOf(intent),
    outcome: result,
    cause,
    ...(result !== 'nothing' && { amount: moneyOf(intent, amountMinor) }),
  })
}

function idsOf({ id, ref }: Intent) {
  return { intentId: id, ref }
}

function moneyOf({ currency }: Intent, amount: number): Money {
  return { amount, currency }
}
