import { stockReleased } from '@campus/contracts/events/catalog'
import type { OrderId, ReservationId } from '@campus/contracts/ids'
import type { Tx } from '@campus/platform/data/postgres'
import { emit } from '@campus/platform/events/outbox'
import { newId } from '@campus/platform/new-id'
import { insertReservation, lockReservation } from './reservation.store.ts'
import { decideRelease } from './reservation.ts'
import { settleReservation } from './settle-reservation.command.ts'
import { lockAvailable } from './stock.store.ts'

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
  const decided = decideRelease(found)
  await lockAvailable(tx, [...decided.reserve.keys(), ...decided.move.keys()])
  await settleReservation(tx, found, decided, { reason: 'cancellation', causeId: null, now })
}
