import { EventEmitter } from 'node:events'
import type { Ref } from '@campus/contracts/events/orders'
import type { IntentId, RefundId } from '@campus/contracts/ids'
import { onCommit, type Tx } from '@campus/platform/data/postgres'
import { enqueueEffect } from '@campus/platform/events/effects'
import { emit } from '@campus/platform/events/outbox'
import { newId } from '@campus/platform/new-id'
import { currentFlow } from '@campus/platform/process/flow'
import { saveIntent } from './intent.store.ts'
import type { Intent } from './intent.ts'
import type { Booking, CallKind, Outcome } from './lifecycle.ts'

/** Writes a booking into the ledger, in the transaction of what it books. */
export type Book = (
  tx: Tx,
  booking: Booking,
  about: { readonly ref: Ref; readonly currency: string },
  now: Date,
) => Promise<void>

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

/**
 * Writes what was decided about an intent that this transaction has locked or made: state, events,
 * bookings and calls of the provider, all or nothing.
 *
 * @returns the intent as it is stored now
 */
export async function carryOut(
  tx: Tx,
  book: Book,
  before: Intent,
  { intent, publish, calls, refunds, bookings }: Outcome,
  now: Date,
  /** What a confirmation adds to its call. */
  token?: string,
): Promise<Intent> {
  const isChanged = intent !== before
  const next = isChanged ? { ...intent, version: intent.version + 1, updatedAt: now } : before
  if (isChanged) await saveIntent(tx, before, next)
  for (const booking of bookings) await book(tx, booking, next, now)
  for (const kind of calls) askProvider(tx, kind, next, token)
  for (const id of refunds) askForRefund(tx, next, id)
  emit(tx, ...publish)
  if (isChanged) onCommit(tx, () => intentChanged.emit(next.id, next))
  return next
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
