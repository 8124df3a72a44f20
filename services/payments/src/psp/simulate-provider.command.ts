import { setTimeout as delay } from 'node:timers/promises'
import type { AnyId, ChallengeId } from '@campus/contracts/ids'
import type { Clock } from '@campus/platform/clock'
import type { Postgres, Tx } from '@campus/platform/data/postgres'
import { newId } from '@campus/platform/new-id'
import type { AttemptId, Fact, Provider, Webhook } from './provider.ts'
import { findPayment, insertPayment, replacePayment } from './psp.store.ts'
import { cardOf } from './scenario.ts'
import {
  capturedPayment,
  dueTimes,
  factKey,
  factsOf,
  type PspDelays,
  type PspPayment,
  refundedPayment,
  refundRefusal,
  startedPayment,
} from './simulation.ts'

// A payment provider that is part of the process only because nobody wants to pay in development. It
// has its own tables and transactions, is called like a remote system, and tells its news by webhooks
// over HTTP: in order or not, at least once.

export interface PspDeps {
  readonly postgres: Postgres
  readonly clock: Clock
  readonly delays: PspDelays
}

/** The provider did what it was asked or not: nobody knows. */
class NoAnswer extends Error {
  override readonly name = 'NoAnswer'
}

/** Calls of one payment are rare enough that the first look nearly always wins. */
const looksMax = 5

/** Makes the simulated provider. */
export function createProvider(deps: PspDeps): Provider {
  const { postgres, clock, delays } = deps

  /** Changes a payment by `step`, tells what is new, and answers how it is now. */
  async function change(
    attemptId: AttemptId,
    step: (payment: PspPayment, now: Date) => PspPayment,
  ): Promise<PspPayment> {
    for (let looks = 1; looks <= looksMax; looks += 1) {
      const payment = await postgres.read(tx => findPayment(tx, attemptId))
      if (payment === undefined) throw new NoAnswer('There is no such payment.')
      const next = step(payment, clock.now())
      if (next === payment || (await postgres.read(tx => advance(tx, deps, payment, next)))) {
        return next
      }
    }
    throw new NoAnswer('The payment is busy.')
  }

  return {
    describe: async token => cardOf(token),

    async authorize({ attemptId, intentId, token, amount }, signal) {
      const now = clock.now()
      const made = startedPayment(
        { attemptId, intentId, token, ...amount },
        newId<ChallengeId>(),
        now,
        delays,
      )
      const webhooks = deliveriesOf(made, factsOf(made), now, delays)
      const isNew = await postgres.read(tx => insertPayment(tx, made, webhooks))
      const kept = isNew ? made : await postgres.read(tx => findPayment(tx, attemptId))
      if (kept === undefined || kept.state === 'pending') return neverAnswer(signal)
      return factsOf(kept)
    },
    async capture(attemptId, { amount }) {
      const captureId = newId<AnyId>()
      return factsOf(
        await change(attemptId, (before, now) =>
          capturedPayment(before, { captureId, amount }, now, delays),
        ),
      )
    },
    async void(attemptId) {
      return factsOf(
        await change(attemptId, payment =>
          payment.state === 'authorized' ? { ...payment, state: 'voided' } : payment,
        ),
      )
    },
    async refund(attemptId, { refundId, amount: { amount } }, signal) {
      const wanted = { refundId, amount }
      const payment = await change(attemptId, before => refundedPayment(before, wanted))
      const code = refundRefusal(payment, wanted)
      if (code !== undefined) return [{ kind: 'refund_refused', refundId, code }]
      const isBack = payment.refunds.some(refund => refund.refundId === refundId)
      return isBack ? factsOf(payment) : neverAnswer(signal)
    },
    async find(attemptId) {
      const payment = await postgres.read(tx => findPayment(tx, attemptId))
      return payment && factsOf(payment)
    },
  }
}

/**
 * Writes a payment together with the webhooks of what became true of it.
 *
 * @returns false when somebody else has changed it since `before` was read
 */
export async function advance(
  tx: Tx,
  { clock, delays }: PspDeps,
  before: PspPayment,
  after: PspPayment,
): Promise<boolean> {
  const known = new Set(factsOf(before).map(factKey))
  const news = factsOf(after).filter(fact => !known.has(factKey(fact)))
  return replacePayment(tx, before, after, deliveriesOf(after, news, clock.now(), delays))
}

function deliveriesOf(
  { intentId, attemptId, token }: PspPayment,
  news: readonly Fact[],
  now: Date,
  delays: PspDelays,
) {
  return news.flatMap(fact => {
    // The same webhook, however often it is sent.
    const webhook: Webhook = {
      id: newId<AnyId>(),
      intentId,
      attemptId,
      at: now.toISOString(),
      fact,
    }
    const body = JSON.stringify(webhook)
    return dueTimes(token, fact.kind, now, delays).map(dueAt => {
      return { id: newId<AnyId>(), body, dueAt, attempts: 0 }
    })
  })
}

/** Hangs until the caller gives up. */
async function neverAnswer(signal: AbortSignal): Promise<never> {
  const dayMs = 86_400_000
  await delay(dayMs, undefined, { signal }).catch(() => undefined)
  throw new NoAnswer('The provider has not answered in time.')
}
