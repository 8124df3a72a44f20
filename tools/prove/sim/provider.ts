import type { AnyId, ChallengeId, DisputeId, IntentId, RefundId } from '@campus/contracts/ids'
import type { Authorization, Fact, Webhook } from '../../../services/payments/src/psp/provider.ts'
import {
  capturedPayment,
  disputedPayment,
  dueTimes,
  factKey,
  factsOf,
  type PspDelays,
  type PspPayment,
  refundedPayment,
  refundRefusal,
  startedPayment,
} from '../../../services/payments/src/psp/simulation.ts'
import type { Did } from './bus.ts'
import { short, type World } from './world.ts'

// The provider of card payments: its own database, called like a remote system. Decisions are those of
// the service's simulated provider; what it commits is never lost, and told by webhooks until they arrive.

const delays: PspDelays = {
  lateSuccessMs: 30_000,
  lateWebhookMs: 1_200_000,
  repeatMs: 200,
  lateRepeatMs: 60_000,
  reorderMs: 5_000,
  disputeMs: 60_000,
  disputeLostMs: 120_000,
}

/** A webhook on its way, and when it is sent. */
export interface Delivery {
  readonly webhook: Webhook
  readonly dueAt: Date
}

/** Undefined facts: nobody answers. */
export type Answer = readonly Fact[] | undefined

export interface Provider {
  readonly payments: Map<AnyId, PspPayment>
  readonly deliveries: Map<AnyId, Delivery>
  authorize(authorization: Authorization): Answer
  capture(attemptId: AnyId, amount: number): Answer
  void(attemptId: AnyId): Answer
  refund(attemptId: AnyId, refund: { readonly refundId: RefundId; readonly amount: number }): Answer
  find(attemptId: AnyId): Answer
  /** The bank hears whether the buyer passed its challenge. */
  answerChallenge(intentId: IntentId, isPassed: boolean): Did
  /** Breaks its silence about payments, and moves disputes on. */
  settle(): Did
  /** Lets an authorisation lapse that nobody has captured. */
  lapse(): Did
  nextDue(): Date | undefined
}

/** A provider that knows no payment. */
export function createProvider(world: World): Provider {
  const payments = new Map<AnyId, PspPayment>()
  const deliveries = new Map<AnyId, Delivery>()

  function save(before: PspPayment | undefined, after: PspPayment): PspPayment {
    const known = new Set(before === undefined ? [] : factsOf(before).map(factKey))
    payments.set(after.attemptId, after)
    const { attemptId, intentId, token } = after
    for (const fact of factsOf(after).filter(one => !known.has(factKey(one)))) {
      const at = world.now.toISOString()
      const webhook = { id: world.newId<AnyId>(), intentId, attemptId, at, fact }
      for (const dueAt of dueTimes(token, fact.kind, world.now, delays)) {
        deliveries.set(world.newId<AnyId>(), { webhook, dueAt })
      }
    }
    return after
  }

  function change(attemptId: AnyId, step: (payment: PspPayment) => PspPayment) {
    const before = payments.get(attemptId)
    return before && save(before, step(before))
  }

  function due(): PspPayment[] {
    return [...payments.values()].filter(payment => {
      const at = dueAtOf(payment)
      return at !== null && at <= world.now
    })
  }

  return {
    payments,
    deliveries,
    authorize({ attemptId, intentId, token, amount }) {
      const kept =
        payments.get(attemptId) ??
        save(
          undefined,
          startedPayment(
            { attemptId, intentId, token, ...amount },
            world.newId<ChallengeId>(),
            world.now,
            delays,
          ),
        )
      return kept.state === 'pending' ? undefined : factsOf(kept)
    },
    capture(attemptId, amount) {
      const capture = { captureId: world.newId<AnyId>(), amount }
      const payment = change(attemptId, one => capturedPayment(one, capture, world.now, delays))
      return payment && factsOf(payment)
    },
    void(attemptId) {
      const payment = change(attemptId, one =>
        one.state === 'authorized' ? { ...one, state: 'voided' } : one,
      )
      return payment && factsOf(payment)
    },
    refund(attemptId, wanted) {
      const payment = change(attemptId, one => refundedPayment(one, wanted))
      if (payment === undefined) return undefined
      const { refundId } = wanted
      const code = refundRefusal(payment, wanted)
      if (code !== undefined) return [{ kind: 'refund_refused', refundId, code }]
      const isBack = payment.refunds.some(one => one.refundId === refundId)
      return isBack ? factsOf(payment) : undefined
    },
    find(attemptId) {
      const payment = payments.get(attemptId)
      return payment && factsOf(payment)
    },
    answerChallenge(intentId, isPassed) {
      const asked = [...payments.values()].find(
        one => one.intentId === intentId && one.state === 'requires_action',
      )
      if (asked === undefined) return undefined
      save(
        asked,
        isPassed
          ? { ...asked, state: 'authorized' }
          : { ...asked, state: 'declined', declineCode: 'challenge_failed' },
      )
      return `buyer ${isPassed ? 'passes' : 'fails'} the challenge of ${short(intentId)}`
    },
    settle() {
      const found = due()
      for (const payment of found) {
        save(
          payment,
          payment.state === 'pending'
            ? { ...payment, state: 'authorized', settleAt: null }
            : disputedPayment(payment, world.newId<DisputeId>(), world.now, delays),
        )
      }
      return found.length === 0 ? undefined : `provider settles ${found.length} payments`
    },
    lapse() {
      const open = [...payments.values()].filter(({ state }) => state === 'authorized')
      if (open.length === 0) return undefined
      const payment = world.random.pick(open)
      save(payment, { ...payment, state: 'voided' })
      return `provider lets ${short(payment.intentId)} lapse`
    },
    nextDue() {
      const moments = [
        ...[...payments.values()].map(dueAtOf),
        ...[...deliveries.values()].map(({ dueAt }) => dueAt),
      ].flatMap(at => at?.getTime() ?? [])
      return moments.length === 0 ? undefined : new Date(Math.min(...moments))
    },
  }
}

function dueAtOf({ state, settleAt, disputeAt }: PspPayment): Date | null {
  return state === 'pending' ? settleAt : disputeAt
}
