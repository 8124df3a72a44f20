import type { Ref } from '@campus/contracts/events/orders'
import type { AnyId } from '@campus/contracts/ids'
import type { Tx } from '@campus/platform/data/postgres'
import { newId } from '@campus/platform/new-id'
import type { Booking } from '../intents/lifecycle.ts'
import { balancesOf, insertEntry } from './ledger.store.ts'
import { captureEntry, type Entry, refundEntry } from './ledger.ts'

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
    case 'refunded':
      return bookEntry(tx, refundEntry(ref, booking.refundId, await balancesOf(tx, ref)), now)
  }
}

/** Books one entry; one of the same source has no effect. */
export async function bookEntry(tx: Tx, entry: Entry, now: Date): Promise<void> {
  await insertEntry(tx, newId<AnyId>(), entry, now)
}
