import type { AnyId, IntentId, RefundId } from '@campus/contracts/ids'
import type { Intent } from '../../../services/payments/src/intents/intent.ts'
import {
  type CallKind,
  decideRefundSilence,
} from '../../../services/payments/src/intents/lifecycle.ts'
import type { Fact } from '../../../services/payments/src/psp/provider.ts'
import type { Did, Weather } from './bus.ts'
import type { Payments } from './payments.ts'
import type { Answer, Provider } from './provider.ts'
import { short, type World } from './world.ts'

// Calls of the provider: rows that commit with the decision to call, carried out outside of any
// transaction. A call and the transaction that settles it are two steps here, so that anything may
// happen in between. A call may never arrive, its answer may be lost, and the worker may die with the
// answer in its hands; an attempt whose outcome is unknown is repeated after a look at what the provider
// knows, exactly as services/payments/src/intents/ask-provider.command.ts and ask-refund.command.ts do.

/** A row of `effect`. */
export interface Effect {
  readonly kind: CallKind | 'refund'
  readonly intentId: IntentId
  readonly attemptId: AnyId
  readonly refundId: RefundId | null
  readonly token: string | null
  /** Attempts that have begun. */
  readonly attempt: number
  readonly state: 'waiting' | 'sending' | 'done'
  readonly dueAt: Date
}

interface Pending {
  readonly key: string
  readonly answer: Answer
}

export interface EffectWorker {
  /** Answers that are on their way back, held in memory only. */
  readonly pending: Pending[]
  call(weather: Weather): Did
  settle(weather: Weather): Did
  /** Hands a webhook to the service. */
  webhook(weather: Weather): Did
}

const backOff = { firstMs: 30_000, maxMs: 3_600_000 }
const callBackOffMaxMs = 300_000
const callMsMax = 200

const notTried: Fact = { kind: 'capture_refused', code: 'capture_refused' }

/** Facts that answer a call, each also when the money has moved on since. */
const answers: { readonly [K in CallKind]: readonly Fact['kind'][] } = {
  authorize: ['authorized', 'declined', 'action_required'],
  capture: ['captured', 'capture_refused'],
  void: ['voided', 'refunded'],
}

/** A worker that owns no call. */
export function createEffectWorker(
  world: World,
  payments: Payments,
  provider: Provider,
): EffectWorker {
  const { random } = world
  const { db, effects, intents } = payments
  const pending: Pending[] = []

  function learn(kind: CallKind, intent: Intent, effect: Effect): Answer {
    const { attemptId } = effect
    const isUncertain = effect.attempt > 1 || (kind === 'capture' && intent.returnCause !== null)
    const known = isUncertain ? provider.find(attemptId) : undefined
    if (known?.some(fact => answers[kind].includes(fact.kind))) return known
    switch (kind) {
      case 'authorize': {
        if (known !== undefined) return undefined
        if (intent.state !== 'processing') return []
        const amount = { amount: intent.amountMinor, currency: intent.currency }
        const token = effect.token ?? ''
        return provider.authorize({ attemptId, intentId: intent.id, token, amount })
      }
      case 'capture':
        if (intent.state !== 'capturing') return []
        if (intent.returnCause !== null) return [notTried]
        return provider.capture(attemptId, intent.authorizedMinor)
      case 'void':
        return intent.returnedAt === null ? provider.void(attemptId) : []
    }
  }

  function learnRefund(intent: Intent, refundId: RefundId): Answer {
    const refund = intent.refunds.find(({ id }) => id === refundId)
    if (refund?.state !== 'pending' || intent.attemptId === null) return []
    const known = refund.attempts > 0 ? provider.find(intent.attemptId) : undefined
    const isBack = known?.some(fact => fact.kind === 'refunded' && fact.refundId === refundId)
    if (isBack === true) return known
    return provider.refund(intent.attemptId, { refundId, amount: refund.amountMinor })
  }

  function ask(effect: Effect): Answer {
    const intent = intents.get(effect.intentId)
    if (intent?.attemptId !== effect.attemptId) return []
    const { kind, refundId } = effect
    if (kind !== 'refund') return learn(kind, intent, effect)
    return refundId === null ? [] : learnRefund(intent, refundId)
  }

  /** Nobody knows what came of the attempt: a call is repeated, a refund notes its silence. */
  function silent(key: string, effect: Effect): void {
    db.transaction('commit', tx => {
      const { refundId } = effect
      const intent = intents.get(effect.intentId)
      if (effect.kind === 'refund' && refundId !== null && intent !== undefined) {
        tx.put(effects, key, { ...effect, state: 'done' })
        payments.carryOut(tx, decideRefundSilence(intent, refundId, world.now, backOff))
        return
      }
      const waitMs = Math.min(1_000 * 2 ** effect.attempt, callBackOffMaxMs)
      const dueAt = new Date(world.now.getTime() + waitMs)
      tx.put(effects, key, { ...effect, state: 'waiting', dueAt })
    })
  }

  function call({ faults }: Weather): Did {
    const due = [...effects].filter(
      ([, { state, dueAt }]) => state === 'waiting' && dueAt <= world.now,
    )
    if (due.length === 0) return undefined
    const [key, waiting] = random.pick(due)
    const effect: Effect = { ...waiting, state: 'sending', attempt: waiting.attempt + 1 }
    effects.set(key, effect)
    // Nothing is answered in no time: two attempts never begin in the same instant.
    world.pass(1 + random.below(callMsMax))
    const what = `payments asks the provider: ${effect.kind} ${short(effect.intentId)}`
    if (random.chance(faults)) {
      pending.push({ key, answer: undefined })
      return `${what}: never arrives`
    }
    const answer = ask(effect)
    const isLost = random.chance(faults)
    pending.push({ key, answer: isLost ? undefined : answer })
    return `${what}: ${isLost ? 'its answer is lost' : tell(answer)}`
  }

  function settle({ faults }: Weather): Did {
    if (pending.length === 0) return undefined
    const [one] = pending.splice(random.below(pending.length), 1)
    const effect = effects.get(one?.key ?? '')
    if (one === undefined || effect === undefined) return undefined
    const what = `payments settles ${effect.kind} of ${short(effect.intentId)}`
    // A worker that dies here leaves `sending` behind, which another one takes for unknown.
    const isCrash = random.chance(faults)
    const { answer } = one
    if (answer === undefined || isCrash) {
      silent(one.key, effect)
      return `${what}: unknown`
    }
    db.transaction('commit', tx => {
      tx.put(effects, one.key, { ...effect, state: 'done' })
      if (answer.length > 0) payments.news(tx, effect, answer)
    })
    return what
  }

  function webhook({ faults }: Weather): Did {
    const due = [...provider.deliveries].filter(([, { dueAt }]) => dueAt <= world.now)
    if (due.length === 0) return undefined
    const [id, { webhook: body }] = random.pick(due)
    const what = `webhook ${body.fact.kind} of ${short(body.intentId)}`
    if (random.chance(faults)) return `${what}: lost`
    const isCrash = random.chance(faults)
    db.transaction(isCrash ? 'crash' : 'commit', tx => {
      if (payments.webhooks.has(body.id)) return
      tx.put(payments.webhooks, body.id, true)
      payments.news(tx, body, [body.fact])
    })
    // Without an answer the provider sends it again.
    if (isCrash || random.chance(faults)) return `${what}: no answer`
    provider.deliveries.delete(id)
    return what
  }

  return { pending, call, settle, webhook }
}

function tell(answer: Answer): string {
  return answer === undefined ? 'silence' : answer.map(({ kind }) => kind).join(', ') || 'nothing'
}
