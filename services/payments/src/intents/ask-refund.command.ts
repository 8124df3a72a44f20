import { asId, type IntentId, type RefundId } from '@campus/contracts/ids'
import type { Tx } from '@campus/platform/data/postgres'
import type { EffectAttempt, EffectKind } from '@campus/platform/events/effects'
import type { Fact } from '../psp/provider.ts'
import type { CallDeps } from './ask-provider.command.ts'
import { findIntent } from './intent.store.ts'
import type { Intent } from './intent.ts'
import { decideRefundSilence, type RefundBackOff } from './lifecycle.ts'
import { type News, settleIntent } from './settle-intent.command.ts'

// One effect is one attempt at a refund. When it has no answer, the refund itself notes that and when it
// is tried again, for hours if need be: its back-off is longer than that of other calls.

/** The effect `psp_refund`. */
export function refundCall(deps: CallDeps & { readonly backOff: RefundBackOff }): EffectKind {
  const { postgres, clock, provider, tell } = deps
  /** What an attempt has learned, until it is settled. */
  const learned = new WeakMap<EffectAttempt, News>()

  async function run(tried: EffectAttempt): Promise<void> {
    const { intentId, refundId } = readPayload(tried.payload)
    const intent = await postgres.read(tx => findIntent(tx, intentId))
    const refund = intent?.refunds.find(({ id }) => id === refundId)
    if (intent?.attemptId === undefined || intent.attemptId === null) return
    if (refund?.state !== 'pending') return
    const { attemptId } = intent
    const signal = AbortSignal.any([tried.signal, AbortSignal.timeout(deps.timeoutMs)])
    // An earlier attempt without an answer may have succeeded.
    const isUncertain = tried.attempt > 1 || refund.attempts > 0
    const known = isUncertain ? await provider.find(attemptId, signal) : undefined
    const isBack = known?.some(fact => fact.kind === 'refunded' && fact.refundId === refundId)
    const facts: readonly Fact[] =
      known !== undefined && isBack === true
        ? known
        : await provider.refund(
            attemptId,
            { refundId, amount: moneyOf(intent, refund.amountMinor) },
            signal,
          )
    learned.set(tried, { intentId, attemptId, facts })
  }

  function silent(tx: Tx, tried: EffectAttempt): void {
    const { intentId, refundId } = readPayload(tried.payload)
    const now = clock.now()
    tell(tx, {
      about: { id: intentId },
      decide: intent => ({ outcome: decideRefundSilence(intent, refundId, now, deps.backOff) }),
      now,
    })
  }

  return {
    kind: 'psp_refund',
    onUnknown: 'retry',
    attemptsMax: 1,
    run,
    async settled(tx, tried, outcome) {
      if (outcome !== 'sent') return silent(tx, tried)
      const news = learned.get(tried)
      if (news !== undefined) settleIntent(tx, tell, news, clock.now())
    },
  }
}

function moneyOf({ currency }: Intent, amount: number) {
  return { amount, currency }
}

function readPayload(payload: unknown) {
  const { intentId, refundId } = Object(payload)
  return {
    intentId: asId<IntentId>(String(intentId)),
    refundId: asId<RefundId>(String(refundId)),
  }
}
