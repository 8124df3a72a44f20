import { type AnyId, asId, type ChallengeId, type IntentId } from '@campus/contracts/ids'
import { test } from 'tap'
import { isKnownToken, scenarioOf } from './scenario.ts'
import { dueTimes, factsOf, type PspPayment, startedPayment } from './simulation.ts'

const now = new Date('2026-01-01T00:00:00.000Z')
const anyId = asId<AnyId>('0193a1c0-0000-7000-8000-000000000041')
const challengeId = asId<ChallengeId>('0193a1c0-0000-7000-8000-000000000051')
const delays = {
  lateSuccessMs: 30_000,
  lateWebhookMs: 1_200_000,
  repeatMs: 200,
  lateRepeatMs: 60_000,
}
const eur = { amount: 500, currency: 'EUR' }

function started(token: string): PspPayment {
  const intentId = asId<IntentId>('0193a1c0-0000-7000-8000-000000000031')
  const authorization = { attemptId: anyId, intentId, token, ...eur }
  return startedPayment(authorization, challengeId, now, delays)
}

const starts = {
  tok_ok: [{ kind: 'authorized', amount: eur }],
  tok_declined: [{ kind: 'declined', code: 'insufficient_funds', isFinal: false }],
  tok_declined_final: [{ kind: 'declined', code: 'card_stolen', isFinal: true }],
  tok_3ds: [{ kind: 'action_required', challengeId }],
  tok_timeout_then_success: [],
  tok_late_webhook: [],
  tok_double_webhook: [{ kind: 'authorized', amount: eur }],
  tok_capture_fails: [{ kind: 'authorized', amount: eur }],
  tok_refund_fails: [{ kind: 'authorized', amount: eur }],
}
for (const [token, facts] of Object.entries(starts)) {
  test(`${token} begins with ${facts.map(({ kind }) => kind).join() || 'silence'}`, async t => {
    t.ok(isKnownToken(token))
    t.same(factsOf(started(token)), facts)
  })
}

test('silence ends after the delay of its token', async t => {
  t.same(started('tok_timeout_then_success').settleAt, new Date(now.getTime() + 30_000))
  t.same(started('tok_late_webhook').settleAt, new Date(now.getTime() + 1_200_000))
})

test('a payment tells everything that has happened to it, in order', async t => {
  const authorized = started('tok_ok')
  const captured: PspPayment = {
    ...authorized,
    state: 'captured',
    captureId: anyId,
    captured: 500,
    capturedAt: now,
  }
  const kinds = (payment: PspPayment) => factsOf(payment).map(({ kind }) => kind)
  t.same(kinds({ ...authorized, isCaptureRefused: true }), ['authorized', 'capture_refused'])
  t.same(kinds({ ...authorized, state: 'voided' }), ['authorized', 'voided'])
  t.same(kinds(captured), ['authorized', 'captured'])
  t.same(kinds({ ...captured, state: 'refunded', refundId: anyId }), [
    'authorized',
    'captured',
    'refunded',
  ])
  t.match(factsOf({ ...started('tok_3ds'), state: 'declined', declineCode: 'challenge_failed' }), [
    { kind: 'declined', code: 'challenge_failed', isFinal: false },
  ])
})

test('a webhook is sent once, or three times by tok_double_webhook', async t => {
  t.same(dueTimes('tok_ok', now, delays), [now])
  const times = dueTimes('tok_double_webhook', now, delays).map(at => at.getTime() - now.getTime())
  t.same(times, [0, 200, 60_000])
})

test('only tokens of the list are known', async t => {
  for (const token of ['tok_', 'tok_unknown', 'constructor', 'toString', '']) {
    t.notOk(isKnownToken(token))
    t.throws(() => scenarioOf(token), RangeError)
  }
})
