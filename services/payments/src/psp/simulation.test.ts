import {
  type AnyId,
  asId,
  type ChallengeId,
  type DisputeId,
  type IntentId,
  type RefundId,
} from '@campus/contracts/ids'
import { test } from 'tap'
import { isKnownToken, scenarioOf } from './scenario.ts'
import {
  capturedPayment,
  disputedPayment,
  dueTimes,
  factsOf,
  keptMinor,
  type PspPayment,
  refundedPayment,
  refundRefusal,
  startedPayment,
} from './simulation.ts'

const now = new Date('2026-01-01T00:00:00.000Z')
const anyId = asId<AnyId>('0193a1c0-0000-7000-8000-000000000041')
const challengeId = asId<ChallengeId>('0193a1c0-0000-7000-8000-000000000051')
const refundId = asId<RefundId>('0193a1c0-0000-7000-8000-000000000071')
const disputeId = asId<DisputeId>('0193a1c0-0000-7000-8000-000000000081')
const delays = {
  lateSuccessMs: 30_000,
  lateWebhookMs: 1_200_000,
  repeatMs: 200,
  lateRepeatMs: 60_000,
  reorderMs: 5_000,
  disputeMs: 60_000,
  disputeLostMs: 120_000,
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
  tok_reordered: [{ kind: 'authorized', amount: eur }],
  tok_chargeback: [{ kind: 'authorized', amount: eur }],
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
  t.same(kinds({ ...captured, state: 'refunded', refunds: [{ refundId, amount: 500 }] }), [
    'authorized',
    'captured',
    'refunded',
  ])
  t.match(factsOf({ ...started('tok_3ds'), state: 'declined', declineCode: 'challenge_failed' }), [
    { kind: 'declined', code: 'challenge_failed', isFinal: false },
  ])
})

test('a webhook is sent once, or three times by tok_double_webhook', async t => {
  t.same(dueTimes('tok_ok', 'authorized', now, delays), [now])
  const times = dueTimes('tok_double_webhook', 'authorized', now, delays).map(
    at => at.getTime() - now.getTime(),
  )
  t.same(times, [0, 200, 60_000])
})

test('tok_reordered tells of the authorisation after the capture', async t => {
  const at = (kind: 'authorized' | 'captured') => dueTimes('tok_reordered', kind, now, delays)
  t.same(at('authorized'), [new Date(now.getTime() + 5_000)])
  t.same(at('captured'), [now])
})

function taken(token: string): PspPayment {
  return capturedPayment(started(token), { captureId: anyId, amount: 500 }, now, delays)
}

test('a part is refunded once by its id, and never more than was captured', async t => {
  const part = refundedPayment(taken('tok_ok'), { refundId, amount: 200 })
  t.equal(keptMinor(part), 300)
  t.equal(part.state, 'captured')
  t.equal(refundedPayment(part, { refundId, amount: 200 }), part)
  const other = asId<RefundId>(String(disputeId))
  t.equal(refundRefusal(part, { refundId: other, amount: 301 }), 'provider_refused')
  t.equal(refundedPayment(part, { refundId: other, amount: 300 }).state, 'refunded')
})

test('tok_refund_fails gives money back at the third attempt', async t => {
  let payment = taken('tok_refund_fails')
  for (const kept of [500, 500, 0]) {
    payment = refundedPayment(payment, { refundId, amount: 500 })
    t.equal(keptMinor(payment), kept)
  }
})

test('tok_chargeback opens a dispute, loses it, and gives nothing back by itself', async t => {
  const paid = taken('tok_chargeback')
  t.same(paid.disputeAt, new Date(now.getTime() + 60_000))
  const open = disputedPayment(paid, disputeId, now, delays)
  t.match(factsOf(open).at(-1), { kind: 'dispute_opened', disputeId, amount: eur })
  t.equal(refundRefusal(open, { refundId, amount: 1 }), 'charge_disputed')
  const lost = disputedPayment(open, disputeId, now, delays)
  t.match(factsOf(lost).at(-1), { kind: 'dispute_closed', outcome: 'lost', amount: eur })
  t.equal(lost.disputeAt, null)
})

test('only tokens of the list are known', async t => {
  for (const token of ['tok_', 'tok_unknown', 'constructor', 'toString', '']) {
    t.notOk(isKnownToken(token))
    t.throws(() => scenarioOf(token), RangeError)
  }
})
