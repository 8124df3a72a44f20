import { EventEmitter } from 'node:events'
import type { IntentId, RefundId } from '@campus/contracts/ids'
import { onCommit, type Tx } from '@campus/platform/data/postgres'
import { enqueueEffect } from '@campus/platform/events/effects'
import { emit } from '@campus/platform/events/outbox'
import { newId } from '@campus/platform/new-id'
import { currentFlow, type Flow, withFlow } from '@campus/platform/process/flow'
import type { Booked } from './booked.ts'
import { saveIntents } from './intent.store.ts'
import type { Intent } from './intent.ts'
import type { CallKind, Outcome } from './lifecycle.ts'

/** Writes bookings into the ledger, in the transaction of what they book and in their order. */
export type Book = (tx: Tx, bookings: readonly Booked[]) => Promise<void>

/** Fires by an intent's id, with the intent, once a change of it has committed. */
const intentChanged = new EventEmitter()
intentChanged.setMaxListeners(0)

/** Calls `listener` after each change of an intent by this process. @returns how to stop */
export function onIntentChanged(
  intentId: IntentId,
  listener: (intent: Intent) => void,
): () => void {
  intentChanged.on(intentId, listener)
  return () => intentChanged.off(intentId, listener)
}

/** A decision about an intent that this transaction has locked or made. */
export interface Step {
  readonly before: Intent
  /** The intent as it is stored after it. */
  readonly next: Intent
  readonly outcome: Outcome
  readonly now: Date
  /** What a confirmation adds to its call. */
  readonly token: string | undefined
  readonly flow: Flow | undefined
}

/** A decision as a step, in the story of the caller unless another is given. */
export function stepOf(
  before: Intent,
  outcome: Outcome,
  now: Date,
  of: { readonly token?: string | undefined; readonly flow?: Flow | undefined } = {},
): Step {
  const { intent } = outcome
  const next =
    intent === before ? before : { ...intent, version: intent.version + 1, updatedAt: now }
  return { before, next, outcome, now, token: of.token, flow: of.flow ?? currentFlow() }
}

/** Writes one decision. @returns the intent as it is stored now */
export async function carryOut(
  tx: Tx,
  book: Book,
  before: Intent,
  outcome: Outcome,
  now: Date,
  token?: string,
): Promise<Intent> {
  const step = stepOf(before, outcome, now, { token })
  await carryOutAll(tx, book, [step])
  return step.next
}

/**
 * Writes decisions, several about one intent in their order: state, events, bookings and calls of the
 * provider, all or nothing.
 */
export async function carryOutAll(tx: Tx, book: Book, steps: readonly Step[]): Promise<void> {
  const changed = new Map<IntentId, { before: Intent; after: Intent }>()
  for (const { before, next } of steps) {
    if (next === before) continue
    changed.set(next.id, { before: changed.get(next.id)?.before ?? before, after: next })
  }
  await saveIntents(tx, [...changed.values()])
  const bookings = steps.flatMap(({ next, outcome, now }) =>
    outcome.bookings.map(booking => ({ booking, about: next, now })),
  )
  if (bookings.length > 0) await book(tx, bookings)
  for (const { flow, ...step } of steps) {
    if (flow === undefined) publish(tx, step)
    else withFlow(flow, () => publish(tx, step))
  }
  for (const { after } of changed.values()) onCommit(tx, () => intentChanged.emit(after.id, after))
}

function publish(tx: Tx, { next, outcome, token }: Omit<Step, 'flow'>): void {
  for (const kind of outcome.calls) askProvider(tx, kind, next, token)
  for (const id of outcome.refunds) askForRefund(tx, next, id)
  emit(tx, ...outcome.publish)
}

/** Whatever asks again makes a new effect: the earlier one may have been given up. */
function askProvider(
  tx: Tx,
  kind: CallKind,
  { id, attemptId }: Intent,
  token: string | undefined,
): void {
  const cause = currentFlow()?.causationId ?? newId()
  enqueueEffect(tx, {
    kind: `psp_${kind}`,
    dedupeKey: `psp_${kind}:${attemptId}:${cause}`,
    payload: { intentId: id, attemptId, ...(token !== undefined && { token }) },
  })
}

/** One effect an attempt: while it has no answer, asking again adds none. */
export function askForRefund(tx: Tx, { id: intentId, refunds }: Intent, refundId: RefundId): void {
  const refund = refunds.find(({ id }) => id === refundId)
  if (refund === undefined) return
  enqueueEffect(tx, {
    kind: 'psp_refund',
    // A refund that was given up and asked for anew begins another series.
    dedupeKey: `psp_refund:${refundId}:${refund.attempts}:${refund.nextAt.toISOString()}`,
    payload: { intentId, refundId },
  })
}
