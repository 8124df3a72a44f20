import { stockCommitRejected, stockCommitted } from '@campus/contracts/events/catalog'
import type { OrderId } from '@campus/contracts/ids'
import type { Tx } from '@campus/platform/data/postgres'
import { emit } from '@campus/platform/events/outbox'
import { moveUnits } from './move-units.command.ts'
import { lockReservation, saveState } from './reservation.store.ts'
import { shortagesOf, wantedOf } from './reservation.ts'
import { changeReserved, lockAvailable } from './stock.store.ts'

/**
 * Sells what an order holds, and answers; asked again it answers the same. A hold that has expired is
 * taken again in the same step when the units are still there: never oversold, and not refused for
 * nothing.
 */
export async function commitStock(tx: Tx, orderId: OrderId, now: Date): Promise<void> {
  const found = await lockReservation(tx, orderId)
  if (found === undefined || found.state === 'rejected') return refuse(tx, orderId)
  const { id: reservationId, state } = found
  if (state === 'committed') {
    return emit(tx, stockCommitted.of({ orderId, reservationId }))
  }
  if (state === 'released' || state === 'returned') return refuse(tx, orderId)

  const wanted = wantedOf(found.lines)
  const available = await lockAvailable(tx, [...wanted.keys()])
  if (state === 'expired') {
    const shortages = shortagesOf(wanted, available)
    if (shortages.length > 0) return emit(tx, stockCommitRejected.of({ orderId, shortages }))
    await changeReserved(tx, wanted)
  }
  await moveUnits(tx, { wanted, sign: -1, isReserved: true, reason: 'sale', orderId, now })
  await saveState(tx, reservationId, 'committed', now)
  await emit(tx, stockCommitted.of({ orderId, reservationId }))
}

async function refuse(tx: Tx, orderId: OrderId): Promise<void> {
  await emit(tx, stockCommitRejected.of({ orderId, shortages: [] }))
}
