import { captureFailed } from '@campus/contracts/events/payments'
import {
  type AnyId,
  asId,
  type ChallengeId,
  type IntentId,
  type UserId,
} from '@campus/contracts/ids'
import { AppError } from '@campus/platform/errors'
import { test } from 'tap'
import type { Fact } from '../psp/provider.ts'
import { type Intent, type IntentState, states } from './intent.ts'
import {
  decideCapture,
  decideConfirmation,
  decideFact,
  decideFacts,
  decideOpenedAgain,
  decideOpening,
  decideVoid,
  type Outcome,
} from './lifecycle.ts'

const now = new Date('2026-01-01T00:00:00.000Z')
const later = new Date('2026-01-01T00:15:00.000Z')
const attemptId = asId<AnyId>('0193a1c0-0000-7000-8000-000000000041')
const eur = (amount: number) => ({ amount, currency: 'EUR' })

const fresh: Intent = {
  id: asId<IntentId>('0193a1c0-0000-7000-8000-000000000031'),
  ref: { type: 'order', id: asId<AnyId>('0193a1c0-0000-7000-8000-000000000021') },
  userId: asId<UserId>('0193a1c0-0000-7000-8000-000000000001'),
  amountMinor: 2_580,
  currency: 'EUR',
  state: 'requires_payment',
  expiresAt: later,
  attemptCount: 0,
  attemptsLeft: 3,
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
  correlationId: 'story',
  version: 1,
  createdAt: now,
  updatedAt: now,
}
const tried = { ...fresh, attemptId, attemptCount: 1, attemptsLeft: 2 }
const paid = { ...tried, authorizedMinor: 2_580 }
const kept = { ...paid, capturedMinor: 2_580, capturedAt: now }
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
const refunding: Intent = { ...kept, state: 'captured', returnCause: 'requested' }
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
    refundId: asId<AnyId>('0193a1c0-0000-7000-8000-000000000071'),
  },
}
const everyFact = Object.values(facts)

/** What an outcome does, in words: events, `→ call`, `= booking`. */
function deeds({ publish, calls, bookings }: Outcome): string[] {
  return [
    ...publish.map(({ definition }) => definition.type.split('.')[1] ?? ''),
    ...calls.map(kind => `→ ${kind}`),
    ...bookings.map(({ kind }) => `= ${kind}`),
  ]
}

interface Row {
  readonly guarantee: string
  readonly outcome: Outcome
  readonly state: IntentState
  readonly does: readonly string[]
}

const fact = (intent: Intent, kind: Fact['kind']) => decideFact(intent, facts[kind], now)
const capture = (intent: Intent) => decideCapture(intent, eur(2_580))

const rows: readonly Row[] = [
  {
    guarantee: 'an intent opens and says so',
    outcome: decideOpening(fresh, now),
    state: 'requires_payment',
    does: ['intent_created'],
  },
  {
    guarantee: 'an intent that is late already is opened and voided at once',
    outcome: decideOpening(fresh, later),
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
    outcome: decideVoid(usual[state]),
    state: 'cancelled' as const,
    does: ['payment_voided'],
  })),
  {
    guarantee: 'an authorisation is voided at the provider first',
    outcome: decideVoid(usual.authorized),
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
    outcome: decideVoid(voiding),
    state: 'cancelled',
    does: ['→ void'],
  },
  {
    guarantee: 'a void that was answered is answered again and changes nothing',
    outcome: decideVoid(usual.cancelled),
    state: 'cancelled',
    does: ['payment_voided'],
  },
  {
    guarantee: 'captured money is refunded on a void',
    outcome: decideVoid(usual.captured),
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
    outcome: decideVoid(usual.capturing),
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
    outcome: fact({ ...late, capturedMinor: 2_580 }, 'refunded'),
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
      const once = decideFact(intent, told, now)
      const twice = decideFact(once.intent, told, now)
      t.equal(twice.intent, once.intent, `${intent.state}: ${told.kind}`)
      t.same(deeds(twice), [], `${intent.state}: ${told.kind}`)
    }
  }
})

test('facts of a paid and captured attempt end alike in any order', async t => {
  const { authorized, captured } = facts
  const inOrder = decideFacts(usual.processing, [authorized, captured], now)
  const reordered = decideFacts(usual.processing, [captured, authorized], now)
  t.same(reordered.intent, inOrder.intent)
  t.same(deeds(reordered), deeds(inOrder))
})

test('refunded ≤ captured ≤ authorised, and money that must go back has a call, after any facts', async t => {
  const starts = [...Object.values(usual), voiding, unwanted, refunding, late]
  for (const start of starts) {
    for (const first of everyFact) {
      for (const second of everyFact) {
        for (const third of everyFact) {
          const { intent } = decideFacts(start, [first, second, third], now)
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
        const told = deeds(decideFacts(start, [first, second, first, second], now))
        const unique = new Set(told)
        if (unique.size !== told.length) t.fail(`${start.state}, ${first.kind}, ${second.kind}`)
      }
    }
  }
  t.pass()
})

test('the third decline and a final one leave no attempt', async t => {
  const third = fact({ ...usual.processing, attemptCount: 3, attemptsLeft: 0 }, 'declined')
  t.match(third.publish[0]?.data, { retryable: false, attemptsLeftCount: 0 })
  const final = decideFact(usual.processing, { ...facts.declined, isFinal: true }, now)
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
  const reasonsOf = (intent: Intent, at = now, isTokenKnown = true) => {
    try {
      decideConfirmation(intent, { attemptId, isTokenKnown, now: at })
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
