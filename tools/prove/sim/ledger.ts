import type { Ref } from '@campus/contracts/events/orders'
import type { Booking } from '../../../services/payments/src/intents/lifecycle.ts'
import {
  captureEntry,
  type Entry,
  type Posting,
  reversalEntry,
} from '../../../services/payments/src/ledger/ledger.ts'
import type { Tx } from './database.ts'
import type { World } from './world.ts'

/** Entries by what they book, so that nothing is booked twice: the unique `source` of the table. */
export type Entries = Map<string, Entry>

/** Books an entry; one of the same source has no effect. */
export function bookEntry(tx: Tx, entries: Entries, entry: Entry): void {
  if (!entries.has(entry.source)) tx.put(entries, entry.source, entry)
}

/** Books what has become of the money of an intent. */
export function book(
  tx: Tx,
  world: World,
  entries: Entries,
  booking: Booking,
  { ref, currency }: { readonly ref: Ref; readonly currency: string },
): void {
  const { amountMinor: amount } = booking
  switch (booking.kind) {
    case 'captured': {
      const { captureId } = booking
      bookEntry(tx, entries, captureEntry(ref, { captureId, amount, currency }))
      if (world.sabotage !== 'double_booking') return
      return bookEntry(
        tx,
        entries,
        captureEntry(ref, { captureId: world.newId(), amount, currency }),
      )
    }
    case 'refunded': {
      const back = { kind: 'refund', id: booking.refundId } as const
      return bookEntry(tx, entries, reversalEntry(ref, back, amount, balancesOf(entries, ref)))
    }
    case 'disputed': {
      const back = { kind: 'dispute', id: booking.disputeId } as const
      return bookEntry(tx, entries, reversalEntry(ref, back, amount, balancesOf(entries, ref)))
    }
  }
}

/** What each account holds because of `ref`, in the order of account names. */
export function balancesOf(entries: Entries, ref: Ref): Posting[] {
  const sums = new Map<string, Posting>()
  for (const entry of entries.values()) {
    if (entry.ref.id !== ref.id) continue
    for (const posting of entry.postings) {
      const before = sums.get(posting.account)?.amount ?? 0
      sums.set(posting.account, { ...posting, amount: before + posting.amount })
    }
  }
  return [...sums.values()].toSorted((a, b) => (a.account < b.account ? -1 : 1))
}
