import type { Ref } from '@campus/contracts/events/orders'
import type { AnyId } from '@campus/contracts/ids'
import type { Tx } from '@campus/platform/data/postgres'
import { newId } from '@campus/platform/new-id'
import type { Booking } from '../intents/lifecycle.ts'
import { balancesOf, insertEntry } from './ledger.store.ts'
import { captureEntry, type Entry, type Reversal, reversalEntry } from './ledger.ts'

/** Books what has become of the money of an intent, in the transaction that says so. */
export async function book(
  tx: Tx,
  booking: Booking,
  { ref, currency }: { readonly ref: Ref; readonly currency: string },
  now: Date,
): Promise<void> {
  switch (booking.kind) {
    case 'captured': {
      const { captureId, amountMinor: amount } = booking
      return bookEntry(tx, captureEntry(ref, { captureId, amount, currency }), now)
    }
    case 'refunded': {
      const reversal = { kind: 'refund', id: booking.refundId } as const
      return reverse(tx, ref, reversal, booking.amountMinor, now)
    }
    case 'disputed': {
      const reversal = { kind: 'dispute', id: booking.disputeId } as const
      return reverse(tx, ref, reversal, booking.amountMinor, now)
    }
  }
}

async function reverse(
  tx: Tx,
  ref: Ref,
  reversal: Reversal,
  amountMinor: number,
  now: Date,
): Promise<void> {
  const balances = await balancesOf(tx, ref)
  await bookEntry(tx, reversalEntry(ref, reversal, amountMinor, balances), now)
}

/** Books one entry; one of the same source has no effect. */
export async function bookEntry(tx: Tx, entry: Entry, now: Date): Promise<void> {
  await insertEntry(tx, newId<AnyId>(), entry, now)
}
