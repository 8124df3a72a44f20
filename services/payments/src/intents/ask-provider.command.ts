import { asId, type IntentId } from '@campus/contracts/ids'
import type { Clock } from '@campus/platform/clock'
import type { Postgres, Tx } from '@campus/platform/data/postgres'
import type { EffectAttempt, EffectKind } from '@campus/platform/events/effects'
import type { AttemptId, Fact, Provider } from '../psp/provider.ts'
import { findIntent } from './intent.store.ts'
import type { Intent } from './intent.ts'
import type { CallKind } from './lifecycle.ts'
import { type News, settleIntent } from './settle-intent.command.ts'
import type { TellIntent } from './tell-intents.command.ts'

// Calls of the provider are effects: rows that commit with the decision to call, carried out outside
// of any transaction. An attempt whose outcome is unknown is repeated, after a look at what the
// provider knows. The answer itself settles the intent, in the transaction that settles the effect; the
// webhook that follows tells nothing new.

export interface CallDeps {
  readonly postgres: Postgres
  readonly clock: Clock
  readonly provider: Provider
  readonly tell: TellIntent
  readonly timeoutMs: number
}

/** The outcome is not known yet; the next look at the provider may tell. */
class Unsettled extends Error {
  override readonly name = 'Unsettled'
}

/** With a back-off of at most 5 min this is about four hours; orders ask again in the meantime. */
const attemptsMax = 60

/** The effects `psp_authorize`, `psp_capture` and `psp_void`. */
export function providerCalls(deps: CallDeps): EffectKind[] {
  const { postgres, clock, provider, tell } = deps
  /** What an attempt has learned, until it is settled. */
  const learned = new WeakMap<EffectAttempt, News>()

  async function run(kind: CallKind, tried: EffectAttempt): Promise<void> {
    const { payload, attempt, signal } = tried
    const { intentId, attemptId, token } = readPayload(payload)
    const intent = await postgres.read(tx => findIntent(tx, intentId))
    if (intent?.attemptId !== attemptId) return
    const until = AbortSignal.any([signal, AbortSignal.timeout(deps.timeoutMs)])
    const facts = await learn(kind, intent, { attemptId, token, attempt, signal: until })
    learned.set(tried, { intentId, attemptId, facts })
  }

  async function settled(tx: Tx, tried: EffectAttempt): Promise<void> {
    const news = learned.get(tried)
    if (news !== undefined && news.facts.length > 0) settleIntent(tx, tell, news, clock.now())
  }

  async function learn(
    kind: CallKind,
    intent: Intent,
    call: {
      readonly attemptId: AttemptId
      readonly token: string
      readonly attempt: number
      readonly signal: AbortSignal
    },
  ): Promise<readonly Fact[]> {
    const { attemptId, signal } = call
    const isUncertain = call.attempt > 1 || (kind === 'capture' && intent.returnCause !== null)
    const known = isUncertain ? await provider.find(attemptId, signal) : undefined
    if (known !== undefined && known.some(fact => settles[kind].has(fact.kind))) return known
    switch (kind) {
      case 'authorize': {
        if (known !== undefined) throw new Unsettled('The provider has not decided yet.')
        // The order was cancelled before anybody was asked for money.
        if (intent.state !== 'processing') return []
        const amount = { amount: intent.amountMinor, currency: intent.currency }
        const { token } = call
        return provider.authorize({ attemptId, intentId: intent.id, token, amount }, signal)
      }
      case 'capture': {
        if (intent.state !== 'capturing') return []
        // The request to void was faster than the capture, which is not even tried. Should another
        // call have captured meanwhile, the provider says so when it is asked to void.
        if (intent.returnCause !== null) return [notTried]
        const amount = { amount: intent.authorizedMinor, currency: intent.currency }
        return provider.capture(attemptId, amount, signal)
      }
      case 'void':
        if (intent.returnedAt !== null) return []
        return provider.void(attemptId, signal)
    }
  }

  return (['authorize', 'capture', 'void'] as const).map(kind => ({
    kind: `psp_${kind}`,
    onUnknown: 'retry',
    attemptsMax,
    run: tried => run(kind, tried),
    settled,
  }))
}

const notTried: Fact = { kind: 'capture_refused', code: 'capture_refused' }

/** Facts that answer a call, each also when the money has moved on since. */
const settles: { readonly [K in CallKind]: ReadonlySet<Fact['kind']> } = {
  authorize: new Set(['authorized', 'declined', 'action_required']),
  capture: new Set(['captured', 'capture_refused']),
  void: new Set(['voided', 'refunded']),
}

function readPayload(payload: unknown) {
  const { intentId, attemptId, token } = Object(payload)
  return {
    intentId: asId<IntentId>(String(intentId)),
    attemptId: asId<AttemptId>(String(attemptId)),
    token: String(token),
  }
}
