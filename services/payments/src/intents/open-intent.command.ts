import type { IntentId, RefundId } from '@campus/contracts/ids'
import type { Tx } from '@campus/platform/data/postgres'
import { newId } from '@campus/platform/new-id'
import { currentFlow } from '@campus/platform/process/flow'
import type { AttemptId } from '../psp/provider.ts'
import { type Book, carryOut } from './carry-out.command.ts'
import { insertIntent, lockIntentOf } from './intent.store.ts'
import { newIntent, type WantedIntent } from './intent.ts'
import { decideConfirmation, decideOpenedAgain, decideOpening } from './lifecycle.ts'

/** Opens the one intent of a Ref and says so; asked again it says so again. */
export async function openIntent(
  tx: Tx,
  book: Book,
  wanted: Pick<WantedIntent, 'ref' | 'userId' | 'amount' | 'expiresAt'>,
  /** Of the card that the buyer has chosen; the attempt to pay begins at once. */
  token: string | undefined,
  now: Date,
): Promise<void> {
  const id = newId<IntentId>()
  const correlationId = currentFlow()?.correlationId ?? id
  const made = newIntent({ ...wanted, id, correlationId }, now)
  if (await insertIntent(tx, made)) {
    const opening = decideOpening(made, { now, refundId: newId<RefundId>() })
    const opened = await carryOut(tx, book, made, opening, now)
    if (token === undefined || opened.state !== 'requires_payment') return
    const attempt = { attemptId: newId<AttemptId>(), isTokenKnown: true, now }
    await carryOut(tx, book, opened, decideConfirmation(opened, attempt), now, token)
    return
  }
  const known = await lockIntentOf(tx, wanted.ref)
  if (known !== undefined) await carryOut(tx, book, known, decideOpenedAgain(known), now)
}
