import type { Ref } from '@campus/contracts/events/orders'
import type { Tx } from '@campus/platform/data/postgres'
import { type Book, carryOut } from './carry-out.command.ts'
import { lockIntentOf } from './intent.store.ts'
import { decideConfirmed, keepsMoney } from './lifecycle.ts'

/**
 * Notes that the order of a payment was confirmed, so that its money is no orphan.
 *
 * @returns whether there is money to keep; false when it is on its way back or gone, or nothing was paid
 */
export async function noteConfirmed(tx: Tx, book: Book, ref: Ref, now: Date): Promise<boolean> {
  const intent = await lockIntentOf(tx, ref)
  if (intent === undefined) return false
  await carryOut(tx, book, intent, decideConfirmed(intent, now), now)
  return keepsMoney(intent)
}
