import { orderConfirmed } from '@campus/contracts/events/orders'
import { type AnyId, asId } from '@campus/contracts/ids'
import { on } from '@campus/platform/events/consumer'
import { bookEntry } from './book.command.ts'
import { recognitionEntry } from './ledger.ts'

/** A confirmed order earns its money. */
export const orderConfirmedHandler = on(orderConfirmed, async ({ tx, event: { data }, now }) => {
  const ref = { type: 'order' as const, id: asId<AnyId>(data.orderId) }
  const entry = recognitionEntry(ref, data)
  if (entry !== undefined) await bookEntry(tx, entry, now)
})
