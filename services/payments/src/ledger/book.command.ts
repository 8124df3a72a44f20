import type { AnyId } from '@campus/contracts/ids'
import { type Tx, writeTogether } from '@campus/platform/data/postgres'
import { newId } from '@campus/platform/new-id'
import type { Booked } from '../intents/booked.ts'
import type { Booking } from '../intents/lifecycle.ts'
import { balancesOf, insertEntries } from './ledger.store.ts'
import { captureEntry, type Entry, type Reversal, reversalEntry } from './ledger.ts'

/** Books what has become of the money of intents, in the transaction that says so. */
export async function book(tx: Tx, bookings: readonly Booked[]): Promise<void> {
  // Before whatever takes the money away again, which asks where it is.
  const captured = bookings.flatMap(({ booking, about: { ref, currency }, now }) => {
    if (booking.kind !== 'captured') return []
    const { captureId, amountMinor: amount } = booking
    return [{ entry: captureEntry(ref, { captureId, amount, currency }), now }]
  })
  await bookEntries(tx, captured)
  for (const { booking, about, now } of bookings) {
    const reversal = reversalOf(booking)
    if (reversal === undefined) continue
    const balances = await balancesOf(tx, about.ref)
    const entry = reversalEntry(about.ref, reversal, booking.amountMinor, balances)
    await bookEntries(tx, [{ entry, now }])
  }
}

function reversalOf(booking: Booking): Reversal | undefined {
  switch (booking.kind) {
    case 'captured':
      return undefined
    case 'refunded':
      return { kind: 'refund', id: booking.refundId }
    case 'disputed':
      return { kind: 'dispute', id: booking.disputeId }
  }
}

interface Dated {
  readonly entry: Entry
  readonly now: Date
}

/** Books entries at the end of the transaction; one of the same source has no effect. */
export const bookLater = writeTogether<Dated>(bookEntries)

async function bookEntries(tx: Tx, entries: readonly Dated[]): Promise<void> {
  await insertEntries(
    tx,
    entries.map(one => ({ ...one, id: newId<AnyId>() })),
  )
}
