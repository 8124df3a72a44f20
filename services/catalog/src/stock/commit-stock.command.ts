import { stockCommitRejected } from '@campus/contracts/events/catalog'
import type { OrderId } from '@campus/contracts/ids'
import type { Tx } from '@campus/platform/data/postgres'
import { emit } from '@campus/platform/events/outbox'
import { lockReservation } from './reservation.store.ts'
import { decideCommit, wantedOf } from './reservation.ts'
import { settleReservation } from './settle-reservation.command.ts'
import { lockAvailable } from './stock.store.ts'

/** Sells what an order holds, and answers; asked again it answers the same. */
export async function commitStock(tx: Tx, orderId: OrderId, now: Date): Promise<void> {
  const found = await lockReservation(tx, orderId)
  if (found === undefined) return emit(tx, stockCommitRejected.of({ orderId, shortages: [] }))
  const isOpen = found.state === 'held' || found.state === 'expired'
  const available = await lockAvailable(tx, isOpen ? [...wantedOf(found.lines).keys()] : [])
  const decided = decideCommit(found, available)
  await settleReservation(tx, found, decided, { reason: 'sale', causeId: null, now })
}
