import type { Ref } from '@campus/contracts/events/orders'
import type { IntentId, RefundId, UserId } from '@campus/contracts/ids'
import type { Money } from '@campus/contracts/money'
import type { Tx } from '@campus/platform/data/postgres'
import { newId } from '@campus/platform/new-id'
import { currentFlow } from '@campus/platform/process/flow'
import { type Book, carryOut } from './carry-out.command.ts'
import { insertIntent, lockIntentOf } from './intent.store.ts'
import { attemptsMax, type Intent } from './intent.ts'
import { decideOpenedAgain, decideOpening } from './lifecycle.ts'

/** Opens the one intent of a Ref and says so; asked again it says so again. */
export async function openIntent(
  tx: Tx,
  book: Book,
  wanted: {
    readonly ref: Ref
    readonly userId: UserId
    readonly amount: Money
    readonly expiresAt: Date
  },
  now: Date,
): Promise<void> {
  const { ref, userId, amount, expiresAt } = wanted
  const id = newId<IntentId>()
  const made: Intent = {
    id,
    ref,
    userId,
    amountMinor: amount.amount,
    currency: amount.currency,
    state: 'requires_payment',
    expiresAt,
    attemptCount: 0,
    attemptsLeft: attemptsMax,
    attemptId: null,
    declineCode: null,
    challengeId: null,
    authorizedMinor: 0,
    capturedMinor: 0,
    refundedMinor: 0,
    capturedAt: null,
    captureFailure: null,
    returnCause: null,
    returnedAt: null,
    voiding: null,
    refunds: [],
    dispute: null,
    confirmedAt: null,
    correlationId: currentFlow()?.correlationId ?? id,
    version: 1,
    createdAt: now,
    updatedAt: now,
  }
  if (await insertIntent(tx, made)) {
    await carryOut(tx, book, made, decideOpening(made, { now, refundId: newId<RefundId>() }), now)
    return
  }
  const known = await lockIntentOf(tx, ref)
  if (known !== undefined) await carryOut(tx, book, known, decideOpenedAgain(known), now)
}
