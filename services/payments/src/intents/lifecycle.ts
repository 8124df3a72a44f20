import type { NewEvent } from '@campus/contracts/envelope'
import {
  captureFailed,
  disputeClosed,
  disputeOpened,
  intentCreated,
  latePaymentRefunded,
  paymentActionRequired,
  paymentAuthorized,
  paymentCaptured,
  paymentDeclined,
  paymentVoided,
  refundFailed,
  refundSucceeded,
} from '@campus/contracts/events/payments'
import type { AnyId, DisputeId, RefundId } from '@campus/contracts/ids'
import type { Money } from '@campus/contracts/money'
import { refuseAll } from '@campus/platform/errors'
import { refuse } from '../errors.ts'
import type { AttemptId, Fact } from '../psp/provider.ts'
import { attemptsMax, type Intent, type Refund, refundableMinor, type Voiding } from './intent.ts'

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
// A refund is asked for by an order or by staff, or is the rest of a payment that goes back as a whole.
// It is tried until the provider says yes or no, or has been silent too often.

/** What the provider is to be asked for. */
export type CallKind = 'authorize' | 'capture' | 'void'

/** What must be written into the ledger. */
export type Booking =
  | { readonly kind: 'captured'; readonly amountMinor: number; readonly captureId: AnyId }
  | { readonly kind: 'refunded'; readonly amountMinor: number; readonly refundId: RefundId }
  | { readonly kind: 'disputed'; readonly amountMinor: number; readonly disputeId: DisputeId }

/** What becomes of an intent; the same intent when nothing changes. */
export interface Outcome {
  readonly intent: Intent
  readonly publish: readonly NewEvent[]
  readonly calls: readonly CallKind[]
  /** Refunds that the provider is to be asked for now. */
  readonly refunds: readonly RefundId[]
  readonly bookings: readonly Booking[]
}

/** What a decision may know beside the intent. */
export interface At {
  readonly now: Date
  /** A fresh id, for a refund that nobody else has named. */
  readonly refundId: RefundId
}

/** What opening an intent means: one that is late already is closed at once. */
export function decideOpening(intent: Intent, at: At): Outcome {
  const opened = outcome(intent, { publish: [createdOf(intent)] })
  return intent.expiresAt > at.now ? opened : followedBy(opened, decideVoid(intent, at))
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
export function decideVoid(intent: Intent, at: At): Outcome {
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
      return intent.capturedMinor > 0
        ? returnRest(intent, at)
        : outcome(intent, { calls: ['void'] })
    case 'authorized':
      return outcome({ ...returning, state: 'cancelled' }, { calls: ['void'] })
    case 'capturing':
      // The outcome of the capture decides whether there is something to void or to refund.
      return outcome(returning, { calls: ['capture'] })
    case 'captured':
      return returnRest(returning, at)
  }
}

/** What a fact means that the provider tells about the intent's attempt. */
export function decideFact(intent: Intent, fact: Fact, at: At): Outcome {
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
      return captured(intent, fact, at)
    case 'capture_refused':
      return captureRefused(intent, fact)
    case 'voided':
      return voided(intent, at.now)
    case 'refunded':
      return refunded(intent, fact, at.now)
    case 'refund_refused':
      return refundRefused(intent, fact)
    case 'dispute_opened':
      return disputed(intent, fact)
    case 'dispute_closed':
      return disputeSettled(intent, fact, at)
  }
}

/** Whether a payment has money that its order can earn: a dispute may have taken it before that. */
export function keepsMoney({ returnCause, capturedMinor, refundedMinor }: Intent): boolean {
  return returnCause === null && capturedMinor > refundedMinor
}

/** Whether an outcome leaves everything as it is. */
export function isWithoutEffect(
  before: Intent,
  { intent, publish, calls, refunds }: Outcome,
): boolean {
  return intent === before && publish.length + calls.length + refunds.length === 0
}

/** Several facts, in the order in which they happened. */
export function decideFacts(intent: Intent, facts: readonly Fact[], at: At): Outcome {
  return facts.reduce(
    (before, fact) => followedBy(before, decideFact(before.intent, fact, at)),
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

function captured(intent: Intent, fact: Extract<Fact, { kind: 'captured' }>, at: At): Outcome {
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
  const told: Outcome = {
    ...outcome(paid, { publish: [...before.publish, capturedOf(paid)] }),
    bookings: [{ kind: 'captured', amountMinor, captureId: fact.captureId }],
  }
  return paid.returnCause === null ? told : followedBy(told, returnRest(paid, at))
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
    case 'orphaned':
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
  const refund = intent.refunds.find(({ id }) => id === refundId)
  // Nobody but us asks for refunds, and only once the capture is known (P2).
  if (refund === undefined || refund.state === 'succeeded') return outcome(intent)
  if (intent.refundedMinor + amount.amount > intent.capturedMinor) return outcome(intent)
  const back = replaced(intent, { ...refund, state: 'succeeded', code: null })
  const booked: Intent = { ...back, refundedMinor: intent.refundedMinor + amount.amount }
  const told = outcome(booked, {
    publish:
      refund.kind === 'asked' ? [refundSucceeded.of({ ...idsOf(intent), refundId, amount })] : [],
  })
  const bookings = [{ kind: 'refunded', amountMinor: amount.amount, refundId }] as const
  return followedBy({ ...told, bookings }, returned(booked, now))
}

/** Says that all of the money is back, once it is and somebody waits for that. */
function returned(intent: Intent, now: Date): Outcome {
  const { returnCause, returnedAt, refundedMinor, capturedMinor } = intent
  const isBack = refundedMinor > 0 && refundedMinor === capturedMinor
  if (returnCause === null || returnedAt !== null || !isBack) return outcome(intent)
  const back: Intent = { ...intent, returnedAt: now }
  const amount = moneyOf(intent, refundedMinor)
  return returnCause === 'late'
    ? outcome(back, { publish: [latePaymentRefunded.of({ ...idsOf(intent), amount })] })
    : answeredVoid(back, { outcome: 'refunded', cause: returnCause })
}

/** Asks for whatever is left of a captured payment, and once more for what was given up. */
function returnRest(intent: Intent, { now, refundId }: At): Outcome {
  const returning = intent.refunds.reduce(
    (before, refund) =>
      refund.state === 'failed' && refund.amountMinor <= refundableMinor(before)
        ? replaced(before, reopened(refund, now))
        : before,
    intent,
  )
  const asked = returning.refunds.filter(({ state }) => state === 'pending').map(({ id }) => id)
  const restMinor = refundableMinor(returning)
  if (restMinor === 0) {
    return followedBy(outcome(returning, { refunds: asked }), returned(returning, now))
  }
  const rest = newRefund(refundId, restMinor, 'rest', now)
  return outcome(
    { ...returning, refunds: [...returning.refunds, rest] },
    { refunds: [...asked, refundId] },
  )
}

/** What a request to give back a part of a captured payment means; asked again it is answered again. */
export function decideRefund(
  intent: Intent,
  { refundId, amount }: { readonly refundId: RefundId; readonly amount: Money },
  now: Date,
): Outcome {
  const known = intent.refunds.find(({ id }) => id === refundId)
  const ids = idsOf(intent)
  if (known?.state === 'succeeded') {
    const back = moneyOf(intent, known.amountMinor)
    return outcome(intent, { publish: [refundSucceeded.of({ ...ids, refundId, amount: back })] })
  }
  // The answer follows; the call is repeated, in case it was given up.
  if (known?.state === 'pending') return outcome(intent, { refunds: [refundId] })
  const code = refundRefusal(intent, amount)
  if (code !== undefined) {
    return outcome(intent, { publish: [refundFailed.of({ ...ids, refundId, code, final: true })] })
  }
  const asked =
    known === undefined ? newRefund(refundId, amount.amount, 'asked', now) : reopened(known, now)
  const next =
    known === undefined
      ? { ...intent, refunds: [...intent.refunds, asked] }
      : replaced(intent, asked)
  return outcome(next, { refunds: [refundId] })
}

/** Why an amount cannot be given back; undefined when it can. */
export function refundRefusal(
  intent: Intent,
  amount: Money,
): 'not_captured' | 'exceeds_captured' | undefined {
  if (intent.capturedMinor === 0) return 'not_captured'
  const isLeft = amount.currency === intent.currency && amount.amount <= refundableMinor(intent)
  return isLeft && amount.amount > 0 ? undefined : 'exceeds_captured'
}

/** An attempt at a refund had no answer: it is tried again later, but not for ever. */
export function decideRefundSilence(
  intent: Intent,
  refundId: RefundId,
  now: Date,
  backOff: RefundBackOff,
): Outcome {
  const refund = intent.refunds.find(({ id }) => id === refundId)
  if (refund?.state !== 'pending') return outcome(intent)
  const attempts = refund.attempts + 1
  if (attempts >= refundAttemptsMax)
    return gaveUp(intent, { ...refund, attempts }, 'provider_silent')
  const waitMs = Math.min(backOff.firstMs * 2 ** (attempts - 1), backOff.maxMs)
  const nextAt = new Date(now.getTime() + waitMs)
  return outcome(replaced(intent, { ...refund, attempts, nextAt }))
}

/** How long a refund waits after an attempt without an answer; doubled each time. */
export interface RefundBackOff {
  readonly firstMs: number
  readonly maxMs: number
}

/** A refund is given up after so many attempts, until somebody asks again. */
export const refundAttemptsMax = 10

function refundRefused(
  intent: Intent,
  { refundId, code }: Extract<Fact, { kind: 'refund_refused' }>,
): Outcome {
  const refund = intent.refunds.find(({ id }) => id === refundId)
  return refund?.state === 'pending' ? gaveUp(intent, refund, code) : outcome(intent)
}

function gaveUp(intent: Intent, refund: Refund, code: NonNullable<Refund['code']>): Outcome {
  const { id: refundId, kind } = refund
  return outcome(replaced(intent, { ...refund, state: 'failed', code }), {
    // Who waits for the whole payment asks again by a timer.
    publish:
      kind === 'asked' ? [refundFailed.of({ ...idsOf(intent), refundId, code, final: true })] : [],
  })
}

function disputed(
  intent: Intent,
  { disputeId, amount }: Extract<Fact, { kind: 'dispute_opened' }>,
): Outcome {
  if (intent.capturedMinor === 0 || intent.dispute !== null) return outcome(intent)
  const dispute = { id: disputeId, amountMinor: amount.amount, state: 'open' } as const
  return outcome(
    { ...intent, dispute },
    { publish: [disputeOpened.of({ ...idsOf(intent), disputeId, amount })] },
  )
}

function disputeSettled(
  intent: Intent,
  fact: Extract<Fact, { kind: 'dispute_closed' }>,
  at: At,
): Outcome {
  const { disputeId, amount, outcome: result } = fact
  // The news of the end may overtake that of the beginning, which it implies.
  const before =
    intent.dispute === null
      ? disputed(intent, { ...fact, kind: 'dispute_opened' })
      : outcome(intent)
  const { dispute } = before.intent
  if (dispute?.id !== disputeId || dispute.state !== 'open') return outcome(intent)
  const closed: Intent = { ...before.intent, dispute: { ...dispute, state: result } }
  const publish = [disputeClosed.of({ ...idsOf(intent), disputeId, amount, outcome: result })]
  if (result === 'won') {
    const won = followedBy(before, outcome(closed, { publish }))
    return closed.returnCause === null ? won : followedBy(won, returnRest(closed, at))
  }
  // The bank takes what it takes, but never more than is left (P2).
  const amountMinor = Math.min(amount.amount, intent.capturedMinor - intent.refundedMinor)
  const lost: Intent = { ...closed, refundedMinor: intent.refundedMinor + amountMinor }
  const bookings = amountMinor > 0 ? [{ kind: 'disputed' as const, amountMinor, disputeId }] : []
  const told = followedBy(before, { ...outcome(lost, { publish }), bookings })
  return followedBy(told, returned(lost, at.now))
}

/** What it means that the order of a captured payment was confirmed. */
export function decideConfirmed(intent: Intent, now: Date): Outcome {
  return outcome(intent.confirmedAt === null ? { ...intent, confirmedAt: now } : intent)
}

/** Captured money whose order was never confirmed goes back (P5). */
export function decideOrphaned(intent: Intent, at: At): Outcome {
  const isOrphan =
    intent.ref.type === 'order' &&
    intent.state === 'captured' &&
    intent.confirmedAt === null &&
    intent.returnCause === null
  return isOrphan ? returnRest({ ...intent, returnCause: 'orphaned' }, at) : outcome(intent)
}

function newRefund(id: RefundId, amountMinor: number, kind: Refund['kind'], now: Date): Refund {
  return {
    id,
    amountMinor,
    kind,
    state: 'pending',
    code: null,
    attempts: 0,
    nextAt: new Date(now.getTime() + firstAttemptMs),
    createdAt: now,
  }
}

/** The first attempt follows the decision at once; by then it has an answer or is lost. */
const firstAttemptMs = 30_000

function reopened(refund: Refund, now: Date): Refund {
  const nextAt = new Date(now.getTime() + firstAttemptMs)
  return { ...refund, state: 'pending', code: null, attempts: 0, nextAt }
}

function replaced(intent: Intent, refund: Refund): Intent {
  return { ...intent, refunds: intent.refunds.map(one => (one.id === refund.id ? refund : one)) }
}

function outcome(
  intent: Intent,
  more: {
    readonly publish?: readonly NewEvent[]
    readonly calls?: readonly CallKind[]
    readonly refunds?: readonly RefundId[]
  } = {},
): Outcome {
  const { publish = [], calls = [], refunds = [] } = more
  return { intent, publish, calls, refunds, bookings: [] }
}

function followedBy(first: Outcome, second: Outcome): Outcome {
  return {
    intent: second.intent,
    publish: [...first.publish, ...second.publish],
    calls: [...first.calls, ...second.calls],
    refunds: [...first.refunds, ...second.refunds],
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
