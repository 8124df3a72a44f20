import { stockReleased } from '@campus/contracts/events/catalog'
import type { OrderId, ReservationId } from '@campus/contracts/ids'
import type { Tx } from '@campus/platform/data/postgres'
import { emit } from '@campus/platform/events/outbox'
import { newId } from '@campus/platform/new-id'
import { moveUnits } from './move-units.command.ts'
import { insertReservation, lockReservation, saveState } from './reservation.store.ts'
import { type Reservation, wantedOf } from './reservation.ts'
import { changeReserved, lockAvailable } from './stock.store.ts'

/**
 * Gives back whatever an order holds or has bought, and answers; asked again it answers the same.
 * After it the order can never hold stock, also when it was not known before.
 */
export async function releaseStock(tx: Tx, orderId: OrderId, now: Date): Promise<void> {
  const found = await lockReservation(tx, orderId)
  if (found === undefined) {
    const id = newId<ReservationId>()
    const never = {
      id,
      orderId,
      state: 'released',
      expiresAt: now,
      rejection: null,
      lines: [],
    } as const
    await insertReservation(tx, never, now)
    return emit(tx, stockReleased.of({ orderId, outcome: 'nothing' }))
  }
  const outcome = await giveBack(tx, found, now)
  await emit(tx, stockReleased.of({ orderId, reservationId: found.id, outcome }))
}

async function giveBack(
  tx: Tx,
  { id, orderId, state, lines }: Reservation,
  now: Date,
): Promise<'nothing' | 'released' | 'returned'> {
  const wanted = wantedOf(lines)
  switch (state) {
    case 'held':
      await lockAvailable(tx, [...wanted.keys()])
      await changeReserved(tx, new Map([...wanted].map(([variantId, n]) => [variantId, -n])))
      await saveState(tx, id, 'released', now)
      return 'released'
    case 'committed':
      await lockAvailable(tx, [...wanted.keys()])
      await moveUnits(tx, {
        wanted,
        sign: 1,
        isReserved: false,
        reason: 'cancellation',
        orderId,
        now,
      })
      await saveState(tx, id, 'returned', now)
      return 'returned'
    case 'expired':
      // A commit that is still on its way must not take the units again.
      await saveState(tx, id, 'released', now)
      return 'nothing'
    case 'released':
      return 'released'
    case 'returned':
      return 'returned'
    case 'rejected':
      return 'nothing'
  }
}
