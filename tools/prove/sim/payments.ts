import {
  captureRequested,
  orderConfirmed,
  paymentRequested,
  paymentVoidRequested,
  type Ref,
  refundRequested,
} from '@campus/contracts/events/orders'
import { type AnyId, asId, type IntentId, type RefundId } from '@campus/contracts/ids'
import { AppError } from '@campus/platform/errors'
import { type Intent, newIntent } from '../../../services/payments/src/intents/intent.ts'
import {
  decideCapture,
  decideConfirmation,
  decideConfirmed,
  decideFacts,
  decideOpenedAgain,
  decideOpening,
  decideOrphaned,
  decideRefund,
  decideVoid,
  keepsMoney,
  type Outcome,
} from '../../../services/payments/src/intents/lifecycle.ts'
import { recognitionEntry } from '../../../services/payments/src/ledger/ledger.ts'
import type { Fact } from '../../../services/payments/src/psp/provider.ts'
import { type Consumer, createConsumer, type Did, on } from './bus.ts'
import { createDatabase, type Database, type Fate, type Tx } from './database.ts'
import type { Effect } from './effects.ts'
import { book, bookEntry, type Entries } from './ledger.ts'
import { short, type World } from './world.ts'

// The payments service: intents, ledger and the calls that it owes the provider. Decisions are the
// service's own. Around them stands what its commands do in one transaction: state, bookings, effects
// and events together.

/** Captured money whose order stays unconfirmed goes back after this time. */
const orphanMs = 86_400_000

export interface Payments {
  readonly db: Database
  readonly consumer: Consumer
  readonly intents: Map<IntentId, Intent>
  readonly entries: Entries
  readonly effects: Map<string, Effect>
  readonly webhooks: Map<AnyId, true>
  /** A buyer pays with a card; refusals change nothing. */
  confirm(intentId: IntentId, token: string): Did
  /** Tells an intent what the provider says of one of its attempts. */
  news(
    tx: Tx,
    about: { readonly intentId: IntentId; readonly attemptId: AnyId },
    facts: readonly Fact[],
  ): void
  carryOut(tx: Tx, outcome: Outcome, token?: string): void
  intentOf(ref: Pick<Ref, 'id'>): Intent | undefined
  /** The jobs that try refunds again and give orphaned money back. */
  care(fate: Fate): Did
  nextDue(): Date | undefined
}

/** A payments service that knows no intent. */
export function createPayments(world: World): Payments {
  const db = createDatabase(world, 'payments')
  const intents = new Map<IntentId, Intent>()
  const entries: Entries = new Map()
  const effects = new Map<string, Effect>()
  const at = () => ({ now: world.now, refundId: world.newId<RefundId>() })

  function intentOf({ id }: Pick<Ref, 'id'>): Intent | undefined {
    return [...intents.values()].find(({ ref }) => ref.id === id)
  }

  function carryOut(tx: Tx, outcome: Outcome, token?: string): void {
    const { intent, bookings, calls, refunds, publish } = outcome
    tx.put(intents, intent.id, intent)
    for (const booking of bookings) book(tx, world, entries, booking, intent)
    const { attemptId } = intent
    for (const kind of attemptId === null ? [] : calls) {
      enqueue(tx, `${kind} ${attemptId} ${world.newId()}`, { kind, token: token ?? null })
    }
    for (const refundId of refunds) askForRefund(tx, intent, refundId)
    tx.emit(...publish)

    function enqueue(to: Tx, key: string, call: Pick<Effect, 'kind' | 'token'>): void {
      if (attemptId === null || effects.has(key)) return
      const about = { intentId: intent.id, attemptId, refundId: null }
      const state = { attempt: 0, state: 'waiting', dueAt: world.now } as const
      to.put(effects, key, { ...about, ...state, ...call })
    }
  }

  /** One effect an attempt: while it has no answer, asking again adds none. */
  function askForRefund(tx: Tx, { id, attemptId, refunds }: Intent, refundId: RefundId): void {
    const refund = refunds.find(one => one.id === refundId)
    const key = `refund ${refundId} ${refund?.nextAt.toISOString()}`
    if (refund === undefined || attemptId === null || effects.has(key)) return
    tx.put(effects, key, {
      kind: 'refund',
      intentId: id,
      attemptId,
      refundId,
      token: null,
      attempt: 0,
      state: 'waiting',
      dueAt: world.now,
    })
  }

  /** A Ref without an intent was never asked to be paid. */
  function decide(tx: Tx, ref: Ref, how: (intent: Intent) => Outcome): void {
    const intent = intentOf(ref)
    if (intent !== undefined) carryOut(tx, how(intent))
  }

  const consumer = createConsumer(db, [
    on(paymentRequested, (tx, { ref, userId, amount, expiresAt }) => {
      const known = intentOf(ref)
      if (known !== undefined) return carryOut(tx, decideOpenedAgain(known))
      const id = world.newId<IntentId>()
      const wanted = { id, ref, userId, amount, expiresAt: new Date(expiresAt) }
      const made = newIntent({ ...wanted, correlationId: 'story' }, world.now)
      carryOut(tx, decideOpening(made, at()))
    }),
    on(captureRequested, (tx, { ref, amount }) =>
      decide(tx, ref, intent => decideCapture(intent, amount)),
    ),
    on(paymentVoidRequested, (tx, { ref }) => decide(tx, ref, intent => decideVoid(intent, at()))),
    on(refundRequested, (tx, data) =>
      decide(tx, data.ref, intent => decideRefund(intent, data, world.now)),
    ),
    on(orderConfirmed, (tx, data) => {
      const ref: Ref = { type: 'order', id: asId<AnyId>(data.orderId) }
      const intent = intentOf(ref)
      if (intent === undefined) return
      carryOut(tx, decideConfirmed(intent, world.now))
      const entry = keepsMoney(intent) ? recognitionEntry(ref, data) : undefined
      if (entry !== undefined) bookEntry(tx, entries, entry)
    }),
  ])

  function dueRefunds(): { intent: Intent; refundId: RefundId }[] {
    return [...intents.values()].flatMap(intent =>
      intent.refunds
        .filter(({ state, nextAt }) => state === 'pending' && nextAt <= world.now)
        .map(({ id }) => ({ intent, refundId: id })),
    )
  }

  return {
    db,
    consumer,
    intents,
    entries,
    effects,
    webhooks: new Map(),
    intentOf,
    carryOut,
    confirm(intentId, token) {
      const intent = intents.get(intentId)
      if (intent === undefined) return undefined
      const attempt = { attemptId: world.newId<AnyId>(), isTokenKnown: true, now: world.now }
      try {
        const decided = decideConfirmation(intent, attempt)
        db.transaction('commit', tx => carryOut(tx, decided, token))
        return `buyer pays ${short(intentId)} with ${token}`
      } catch (error) {
        if (!(error instanceof AppError)) throw error
        return `buyer pays ${short(intentId)}: ${error.code}`
      }
    },
    news(tx, { intentId, attemptId }, facts) {
      const intent = intents.get(intentId)
      if (intent?.attemptId === attemptId) carryOut(tx, decideFacts(intent, facts, at()))
    },
    care(fate) {
      const refunds = dueRefunds()
      const orphans = [...intents.values()].filter(intent => {
        const due = orphanDue(intent)
        return due !== undefined && due <= world.now
      })
      if (refunds.length + orphans.length === 0) return undefined
      db.transaction(fate, tx => {
        for (const { intent, refundId } of refunds) askForRefund(tx, intent, refundId)
        for (const intent of orphans) carryOut(tx, decideOrphaned(intent, at()))
      })
      return `payments tries ${refunds.length} refunds again, gives ${orphans.length} orphans back`
    },
    nextDue() {
      const moments = [...intents.values()].flatMap(intent => [
        ...intent.refunds
          .filter(({ state }) => state === 'pending')
          .map(({ nextAt }) => nextAt.getTime()),
        orphanDue(intent)?.getTime() ?? Number.POSITIVE_INFINITY,
      ])
      for (const { state, dueAt } of effects.values()) {
        if (state === 'waiting') moments.push(dueAt.getTime())
      }
      const first = Math.min(...moments)
      return Number.isFinite(first) ? new Date(first) : undefined
    },
  }
}

/** What the query of the orphans' job finds. */
function orphanDue(intent: Intent): Date | undefined {
  const { capturedAt, confirmedAt, returnCause, capturedMinor, refundedMinor } = intent
  const isWaiting = confirmedAt === null && returnCause === null && capturedMinor > refundedMinor
  return capturedAt !== null && isWaiting ? new Date(capturedAt.getTime() + orphanMs) : undefined
}
