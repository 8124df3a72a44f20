import { orderConfirmed, type Ref } from '@campus/contracts/events/orders'
import { type AnyId, asId } from '@campus/contracts/ids'
import type { Tx } from '@campus/platform/data/postgres'
import { type Handler, on } from '@campus/platform/events/consumer'
import { bookLater } from './book.command.ts'
import { recognitionEntry } from './ledger.ts'

/** A confirmed order earns its money, unless that is on its way back already. */
export function orderConfirmedHandler(
  noteConfirmed: (tx: Tx, ref: Ref, onKept: () => void, now: Date) => void,
): Handler {
  return on(orderConfirmed, async ({ tx, event: { data }, now }) => {
    const ref = { type: 'order' as const, id: asId<AnyId>(data.orderId) }
    const entry = recognitionEntry(ref, data)
    const earn = () => {
      if (entry !== undefined) bookLater(tx, { entry, now })
    }
    noteConfirmed(tx, ref, earn, now)
  })
}
