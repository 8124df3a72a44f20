import { captureFailed } from '@campus/contracts/events/payments'
import {
  type AnyId,
  asId,
  type ChallengeId,
  type DisputeId,
  type IntentId,
  type RefundId,
  type UserId,
} from '@campus/contracts/ids'
import { AppError } from '@campus/platform/errors'
import { test } from 'tap'
import type { Fact } from '../psp/provider.ts'
import {
  type Intent,
  type IntentState,
  newIntent,
  type Refund,
  refundableMinor,
  states,
} from './intent.ts'
import {
  type At,
  decideCapture,
  decideConfirmation,
  decideConfirmed,
  decideFact,
  decideFacts,
  decideOpenedAgain,
  decideOpening,
  decideOrphaned,
  decideRefund,
  decideRefundSilence,
  decideVoid,
  keepsMoney,
  type Outcome,
  refundAttemptsMax,
} from './lifecycle.ts'

const now = new Date('2026-01-01T00:00:00.000Z')
const later = new Date('2026-01-01T00:15:00.000Z')
const ownRefundId = asId<RefundId>('0193a1c0-0000-7000-8000-000000000072')
const at: At = { now, refundId: ownRefundId }
const attemptId = asId<AnyId>('0193a1c0-0000-7000-8000-000000000041')
const eur = (amount: number) => ({ amount, currency: 'EUR' })

const fresh = newIntent(
  {
    id: asId<IntentId>('0193a1c0-0000-7000-8000-000000000031'),
    ref: { type: 'order', id: asId<AnyId>('0193a1c0-0000-7000-8000-000000000021') },
    userId: asId<UserId>('0193a1c0-0000-7000-8000-000000000001'),
    amount: eur(2_580),
    expiresAt: later,
    correlationId: 'story',
  },
  now,
)
const tried = { ...fresh, attemptId, attemptCount: 1, attemptsLeft: 2 }
const paid = { ...tried, authorizedMinor: 2_580 }
const kept = { ...paid, capturedMinor: 2_580, capturedAt: now }
const refundId = asId<RefundId>('0193a1c0-0000-7000-8000-000000000071')
const disputeId = asId<DisputeId>('0193a1c0-0000-7000-8000-000000000081')
const nothing = { outcome: 'nothing', cause: 'requested' } as const

/** An intent of each state, as its usual way makes it. */
const usual: { readonly [S in IntentState]: Intent } = {
  requires_payment: fresh,
  processing: { ...tried, state: 'processing' },
  requires_action: {
    ...tried,
    state: 'requires_action',
    challengeId: asId<ChallengeId>('0193a1c0-0000-7000-8000-000000000051'),
  },
  authorized: { ...paid, state: 'authorized' },
  capturing: { ...paid, state: 'capturing' },
  captured: { ...kept, state: 'captured' },
  cancelled: { ...tried, state: 'cancelled', voiding: nothing },
}
const voiding: Intent = { ...paid, state: 'cancelled', returnCause: 'requested' }
const unwanted: Intent = { ...paid, state: 'capturing', returnCause: 'requested' }
const rest: Refund = {
  id: refundId,
  amountMinor: 2_580,
  kind: 'rest',
  state: 'pending',
  code: null,
  attempts: 0,
  nextAt: later,
  createdAt: now,
}
const refunding: Intent = {
  ...kept,
  state: 'captured',
  returnCause: 'requested',
  refunds: [rest],
}
/** A part of a captured payment is on its way back. */
const partly: Intent = {
  ...kept,
  state: 'captured',
  refunds: [{ ...rest, kind: 'asked', amountMinor: 1_000 }],
}
const late: Intent = { ...paid, state: 'cancelled', voiding: nothing, returnCause: 'late' }

const facts: { readonly [K in Fact['kind']]: Extract<Fact, { kind: K }> } = {
  action_required: {
    kind: 'action_required',
    challengeId: asId<ChallengeId>('0193a1c0-0000-7000-8000-000000000051'),
  },
  authorized: { kind: 'authorized', amount: eur(2_580) },
  declined: { kind: 'declined', code: 'insufficient_funds', isFinal: false },
  captured: {
    kind: 'captured',
    amount: eur(2_580),
    captureId: asId<AnyId>('0193a1c0-0000-7000-8000-000000000061'),
    capturedAt: '2026-01-01T00:00:01.000Z',
  },
  capture_refused: { kind: 'capture_refused', code: 'capture_refused' },
  voided: { kind: 'voided', amount: eur(2_580) },
  refunded: {
    kind: 'refunded',
    amount: eur(2_580),
    refundId,
  },
  refund_refused: { kind: 'refund_refused', refundId, code: 'provider_refused' },
  dispute_opened: { kind: 'dispute_opened', disputeId, amount: eur(2_580) },
  dispute_closed: { kind: 'dispute_closed', disputeId, amount: eur(2_580), outcome: 'lost' },
}
const everyFact = Object.values(facts)

/** What an outcome does, in words: events, `→ call`, `= booking`. */
function deeds({ publish, calls, refunds, bookings }: Outcome): string[] {
  return [
    ...publish.map(({ definition }) => definition.type.split('.')[1] ?? ''),
    ...calls.map(kind => `→ ${kind}`),
    ...refunds.map(() => '→ refund'),
    ...bookings.map(({ kind }) => `= ${kind}`),
  ]
}

interface Row {
  readonly guarantee: string
  readonly outcome: Outcome
  readonly state: IntentState
  readonly does: readonly string[]
}

const fact = (intent: Intent, kind: Fact['kind']) => decideFact(intent, facts[kind], at)
const capture = (intent: Intent) => decideCapture(intent, eur(2_580))

const rows: readonly Row[] = [
  {
    guarantee: 'an intent opens and says so',
    outcome: decideOpening(fresh, at),
    state: 'requires_payment',
    does: ['intent_created'],
  },
  {
    guarantee: 'an intent that is late already is opened and voided at once',
    outcome: decideOpening(fresh, { ...at, now: later }),
    state: 'cancelled',
    does: ['intent_created', 'payment_voided'],
  },
  {
    guarantee: 'a repeated request to pay is answered again and changes nothing',
    outcome: decideOpenedAgain(usual.captured),
    state: 'captured',
    does: ['intent_created'],
  },
  {
    guarantee: 'an attempt in progress that is authorised is paid',
    outcome: fact(usual.processing, 'authorized'),
    state: 'authorized',
    does: ['payment_authorized'],
  },
  {
    guarantee: 'a passed challenge is paid',
    outcome: fact(usual.requires_action, 'authorized'),
    state: 'authorized',
    does: ['payment_authorized'],
  },
  {
    guarantee: 'a challenge is asked for once',
    outcome: fact(usual.processing, 'action_required'),
    state: 'requires_action',
    does: ['payment_action_required'],
  },
  {
    guarantee: 'a decline lets the buyer try again',
    outcome: fact(usual.processing, 'declined'),
    state: 'requires_payment',
    does: ['payment_declined'],
  },
  {
    guarantee: 'a failed challenge lets the buyer try again',
    outcome: fact(usual.requires_action, 'declined'),
    state: 'requires_payment',
    does: ['payment_declined'],
  },
  {
    guarantee: 'what was authorised is captured on request',
    outcome: capture(usual.authorized),
    state: 'capturing',
    does: ['→ capture'],
  },
  {
    guarantee: 'a capture asked for again is tried again, for the first call may be lost',
    outcome: capture(usual.capturing),
    state: 'capturing',
    does: ['→ capture'],
  },
  {
    guarantee: 'captured money is booked and told',
    outcome: fact(usual.capturing, 'captured'),
    state: 'captured',
    does: ['payment_captured', '= captured'],
  },
  {
    guarantee: 'a capture asked for again is answered again and not repeated',
    outcome: capture(usual.captured),
    state: 'captured',
    does: ['payment_captured'],
  },
  {
    guarantee: 'the news of a capture that overtakes the authorisation implies it',
    outcome: fact(usual.processing, 'captured'),
    state: 'captured',
    does: ['payment_authorized', 'payment_captured', '= captured'],
  },
  {
    guarantee: 'a refused capture leaves the authorisation',
    outcome: fact(usual.capturing, 'capture_refused'),
    state: 'authorized',
    does: ['capture_failed'],
  },
  {
    guarantee: 'a capture that was refused for good is not tried again',
    outcome: capture({ ...usual.authorized, captureFailure: 'capture_refused' }),
    state: 'authorized',
    does: ['capture_failed'],
  },
  {
    guarantee: 'another amount than the authorised one is never captured',
    outcome: decideCapture(usual.authorized, eur(2_581)),
    state: 'authorized',
    does: ['capture_failed'],
  },
  {
    guarantee: 'another currency than the authorised one is never captured',
    outcome: decideCapture(usual.authorized, { amount: 2_580, currency: 'USD' }),
    state: 'authorized',
    does: ['capture_failed'],
  },
  ...(['requires_payment', 'processing', 'requires_action', 'cancelled'] as const).map(state => ({
    guarantee: `what is ${state} cannot be captured, and says so`,
    outcome: capture(usual[state]),
    state,
    does: ['capture_failed'],
  })),
  ...(['requires_payment', 'processing', 'requires_action'] as const).map(state => ({
    guarantee: `what is ${state} is voided at once`,
    outcome: decideVoid(usual[state], at),
    state: 'cancelled' as const,
    does: ['payment_voided'],
  })),
  {
    guarantee: 'an authorisation is voided at the provider first',
    outcome: decideVoid(usual.authorized, at),
    state: 'cancelled',
    does: ['→ void'],
  },
  {
    guarantee: 'an authorisation that is void at the provider is told',
    outcome: fact(voiding, 'voided'),
    state: 'cancelled',
    does: ['payment_voided'],
  },
  {
    guarantee: 'a void asked for again is tried again while it has no answer',
    outcome: decideVoid(voiding, at),
    state: 'cancelled',
    does: ['→ void'],
  },
  {
    guarantee: 'a void that was answered is answered again and changes nothing',
    outcome: decideVoid(usual.cancelled, at),
    state: 'cancelled',
    does: ['payment_voided'],
  },
  {
    guarantee: 'captured money is refunded on a void',
    outcome: decideVoid(usual.captured, at),
    state: 'captured',
    does: ['→ refund'],
  },
  {
    guarantee: 'refunded money is booked and told',
    outcome: fact(refunding, 'refunded'),
    state: 'captured',
    does: ['payment_voided', '= refunded'],
  },
  {
    guarantee: 'a void during a capture waits for its outcome',
    outcome: decideVoid(usual.capturing, at),
    state: 'capturing',
    does: ['→ capture'],
  },
  {
    guarantee: 'a void during a capture that succeeds becomes a refund',
    outcome: fact(unwanted, 'captured'),
    state: 'captured',
    does: ['payment_captured', '→ refund', '= captured'],
  },
  {
    guarantee: 'a void during a capture that is refused voids the authorisation',
    outcome: fact(unwanted, 'capture_refused'),
    state: 'cancelled',
    does: ['capture_failed', '→ void'],
  },
  {
    guarantee: 'money that was captured when its void arrived is refunded',
    outcome: fact(voiding, 'captured'),
    state: 'cancelled',
    does: ['payment_captured', '→ refund', '= captured'],
  },
  {
    guarantee: 'money authorised after the cancellation goes back',
    outcome: fact(usual.cancelled, 'authorized'),
    state: 'cancelled',
    does: ['→ void'],
  },
  {
    guarantee: 'late money that is void is told as refunded',
    outcome: fact(late, 'voided'),
    state: 'cancelled',
    does: ['late_payment_refunded'],
  },
  {
    guarantee: 'money captured after the cancellation goes back',
    outcome: fact(usual.cancelled, 'captured'),
    state: 'cancelled',
    does: ['payment_captured', '→ refund', '= captured'],
  },
  {
    guarantee: 'late money that was captured is told as refunded',
    outcome: fact({ ...late, capturedMinor: 2_580, refunds: [rest] }, 'refunded'),
    state: 'cancelled',
    does: ['late_payment_refunded', '= refunded'],
  },
  {
    guarantee: 'an authorisation that the provider lets lapse cancels the payment',
    outcome: fact(usual.authorized, 'voided'),
    state: 'cancelled',
    does: ['payment_voided'],
  },
  {
    guarantee: 'a part of captured money is refunded on request',
    outcome: decideRefund(usual.captured, { refundId, amount: eur(1_000) }, now),
    state: 'captured',
    does: ['→ refund'],
  },
  {
    guarantee: 'a refund asked for again while it has no answer is tried again',
    outcome: decideRefund(partly, { refundId, amount: eur(1_000) }, now),
    state: 'captured',
    does: ['→ refund'],
  },
  {
    guarantee: 'a refund that succeeded is told and booked',
    outcome: decideFact(partly, { ...facts.refunded, amount: eur(1_000) }, at),
    state: 'captured',
    does: ['refund_succeeded', '= refunded'],
  },
  {
    guarantee: 'a refund asked for again after it succeeded is answered again',
    outcome: decideRefund(
      decideFact(partly, { ...facts.refunded, amount: eur(1_000) }, at).intent,
      { refundId, amount: eur(1_000) },
      now,
    ),
    state: 'captured',
    does: ['refund_succeeded'],
  },
  {
    guarantee: 'a refund that the provider refuses is told as final',
    outcome: fact(partly, 'refund_refused'),
    state: 'captured',
    does: ['refund_failed'],
  },
  {
    guarantee: 'more than is left is never refunded (P2)',
    outcome: decideRefund(partly, { refundId: ownRefundId, amount: eur(1_581) }, now),
    state: 'captured',
    does: ['refund_failed'],
  },
  {
    guarantee: 'what was not captured is never refunded',
    outcome: decideRefund(usual.authorized, { refundId, amount: eur(1) }, now),
    state: 'authorized',
    does: ['refund_failed'],
  },
  {
    guarantee: 'a void with a refund under way asks for the rest beside it',
    outcome: decideVoid(partly, at),
    state: 'captured',
    does: ['→ refund', '→ refund'],
  },
  {
    guarantee: 'a void of money that is back already is answered at once',
    outcome: decideVoid(
      {
        ...kept,
        state: 'captured',
        refundedMinor: 2_580,
        refunds: [{ ...rest, kind: 'asked', state: 'succeeded' }],
      },
      at,
    ),
    state: 'captured',
    does: ['payment_voided'],
  },
  {
    guarantee: 'a dispute is told, and takes its amount out of what can be refunded',
    outcome: fact(usual.captured, 'dispute_opened'),
    state: 'captured',
    does: ['dispute_opened'],
  },
  {
    guarantee: 'a lost dispute is told and booked',
    outcome: fact(fact(usual.captured, 'dispute_opened').intent, 'dispute_closed'),
    state: 'captured',
    does: ['dispute_closed', '= disputed'],
  },
  {
    guarantee: 'the end of a dispute that overtakes its beginning implies it',
    outcome: fact(usual.captured, 'dispute_closed'),
    state: 'captured',
    does: ['dispute_opened', 'dispute_closed', '= disputed'],
  },
  {
    guarantee: 'captured money without an order goes back (P5)',
    outcome: decideOrphaned(usual.captured, at),
    state: 'captured',
    does: ['→ refund'],
  },
  {
    guarantee: 'captured money of a confirmed order stays',
    outcome: decideOrphaned(decideConfirmed(usual.captured, now).intent, at),
    state: 'captured',
    does: [],
  },
  {
    guarantee: 'a late decline of a cancelled payment means nothing',
    outcome: fact(usual.cancelled, 'declined'),
    state: 'cancelled',
    does: [],
  },
]

for (const { guarantee, outcome, state, does } of rows) {
  test(guarantee, async t => {
    t.equal(outcome.intent.state, state)
    t.same(deeds(outcome), does)
  })
}

test('a fact that is told twice changes nothing the second time, whatever the state', async t => {
  for (const intent of [...Object.values(usual), voiding, unwanted, refunding, late]) {
    for (const told of everyFact) {
      const once = decideFact(intent, told, at)
      const twice = decideFact(once.intent, told, at)
      t.equal(twice.intent, once.intent, `${intent.state}: ${told.kind}`)
      t.same(deeds(twice), [], `${intent.state}: ${told.kind}`)
    }
  }
})

test('facts of a paid and captured attempt end alike in any order', async t => {
  const { authorized, captured } = facts
  const inOrder = decideFacts(usual.processing, [authorized, captured], at)
  const reordered = decideFacts(usual.processing, [captured, authorized], at)
  t.same(reordered.intent, inOrder.intent)
  t.same(deeds(reordered), deeds(inOrder))
})

test('refunded ≤ captured ≤ authorised, and money that must go back has a call, after any facts', async t => {
  const starts = [...Object.values(usual), voiding, unwanted, refunding, late]
  for (const start of starts) {
    for (const first of everyFact) {
      for (const second of everyFact) {
        for (const third of everyFact) {
          const { intent } = decideFacts(start, [first, second, third], at)
          const { refundedMinor, capturedMinor, authorizedMinor } = intent
          const told = [start.state, first.kind, second.kind, third.kind].join(', ')
          if (refundedMinor > capturedMinor || capturedMinor > authorizedMinor) t.fail(told)
        }
      }
    }
  }
  t.pass()
})

test('an answer is given at most once by whatever the provider tells', async t => {
  for (const start of [usual.processing, voiding, unwanted, refunding, late]) {
    for (const first of everyFact) {
      for (const second of everyFact) {
        const told = deeds(decideFacts(start, [first, second, first, second], at))
        const unique = new Set(told)
        if (unique.size !== told.length) t.fail(`${start.state}, ${first.kind}, ${second.kind}`)
      }
    }
  }
  t.pass()
})

test('a refund without an answer is tried ten times, later and later, and then given up', async t => {
  const backOff = { firstMs: 30_000, maxMs: 3_600_000 }
  let intent = partly
  const waits: number[] = []
  for (let n = 1; n < refundAttemptsMax; n += 1) {
    const silent = decideRefundSilence(intent, refundId, now, backOff)
    t.same(deeds(silent), [])
    intent = silent.intent
    waits.push(((intent.refunds[0]?.nextAt.getTime() ?? 0) - now.getTime()) / 1_000)
  }
  t.same(waits, [30, 60, 120, 240, 480, 960, 1_920, 3_600, 3_600])
  const gaveUp = decideRefundSilence(intent, refundId, now, backOff)
  t.match(gaveUp.publish, [{ data: { code: 'provider_silent', final: true } }])
  t.equal(refundableMinor(gaveUp.intent), 2_580, 'its share is free again')
  t.same(deeds(decideRefund(gaveUp.intent, { refundId, amount: eur(1_000) }, now)), ['→ refund'])
  const after = decideFact(gaveUp.intent, { ...facts.refunded, amount: eur(1_000) }, at)
  t.same(deeds(after), ['refund_succeeded', '= refunded'], 'an answer may come after all')
})

test('a void asked for again revives refunds that were given up', async t => {
  const failed: Intent = { ...refunding, refunds: [{ ...rest, state: 'failed', attempts: 10 }] }
  const again = decideVoid(failed, at)
  t.same(deeds(again), ['→ refund'])
  t.match(again.intent.refunds, [{ state: 'pending', attempts: 0 }])
  t.equal(again.intent.refunds.length, 1)
})

test('a dispute that is won frees its amount, and a void goes on', async t => {
  const open = fact(refunding, 'dispute_opened').intent
  const refused = fact(open, 'refund_refused').intent
  const won = decideFact(refused, { ...facts.dispute_closed, outcome: 'won' }, at)
  t.same(deeds(won), ['dispute_closed', '→ refund'])
})

test('an orphan that is back is told as orphaned', async t => {
  const { intent } = decideOrphaned(usual.captured, at)
  const back = decideFact(intent, { ...facts.refunded, refundId: ownRefundId }, at)
  t.match(back.publish, [{ data: { outcome: 'refunded', cause: 'orphaned' } }])
})

test('the third decline and a final one leave no attempt', async t => {
  const third = fact({ ...usual.processing, attemptCount: 3, attemptsLeft: 0 }, 'declined')
  t.match(third.publish[0]?.data, { retryable: false, attemptsLeftCount: 0 })
  const final = decideFact(usual.processing, { ...facts.declined, isFinal: true }, at)
  t.match(final.publish[0]?.data, { retryable: false, attemptsLeftCount: 0 })
  t.equal(final.intent.attemptsLeft, 0)
})

test('an attempt takes one of three, and forgets why the last one failed', async t => {
  const declined = fact(usual.processing, 'declined').intent
  t.equal(declined.declineCode, 'insufficient_funds')
  const other = asId<AnyId>('0193a1c0-0000-7000-8000-000000000042')
  const { intent, calls } = decideConfirmation(declined, {
    attemptId: other,
    isTokenKnown: true,
    now,
  })
  t.match(intent, { state: 'processing', attemptId: other, attemptsLeft: 1, declineCode: null })
  t.same(calls, ['authorize'])
})

test('confirming lists every reason against it', async t => {
  const reasonsOf = (intent: Intent, moment = now, isTokenKnown = true) => {
    try {
      decideConfirmation(intent, { attemptId, isTokenKnown, now: moment })
      return []
    } catch (error) {
      if (!(error instanceof AppError)) throw error
      return error.reasons.map(({ code }) => code.replace('payments.', ''))
    }
  }
  t.same(reasonsOf(fresh), [])
  t.same(reasonsOf(fresh, later), ['intent_closed'])
  t.same(reasonsOf({ ...fresh, attemptsLeft: 0 }), ['attempts_exhausted'])
  t.same(reasonsOf({ ...fresh, attemptsLeft: 0 }, later, false), [
    'token_unknown',
    'intent_closed',
    'attempts_exhausted',
  ])
  const refusals = {
    processing: 'intent_in_progress',
    requires_action: 'intent_in_progress',
    authorized: 'already_paid',
    capturing: 'already_paid',
    captured: 'already_paid',
    cancelled: 'intent_closed',
  } as const
  for (const state of states) {
    if (state !== 'requires_payment') t.same(reasonsOf(usual[state]), [refusals[state]], state)
  }
})

test('a capture that is refused says why', async t => {
  t.match(capture(usual.cancelled).publish, [
    { definition: captureFailed, data: { code: 'authorization_lapsed' } },
  ])
  t.match(capture(usual.processing).publish, [{ data: { code: 'capture_refused' } }])
})

test('an order earns nothing once a dispute or a cancellation has taken its money', async t => {
  const captured: Intent = { ...paid, state: 'captured', capturedMinor: paid.amountMinor }
  t.ok(keepsMoney(captured))
  t.notOk(keepsMoney({ ...captured, refundedMinor: captured.capturedMinor }))
  t.notOk(keepsMoney({ ...captured, returnCause: 'requested' }))
  t.notOk(keepsMoney(paid), 'nothing was captured')
})
