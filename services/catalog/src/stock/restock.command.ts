import type { AnyId, OrderId } from '@campus/contracts/ids'
import type { Tx } from '@campus/platform/data/postgres'
import type { MovementReason } from './movement.ts'
import { lockReservation } from './reservation.store.ts'
import { decideRestock } from './reservation.ts'
import { settleReservation } from './settle-reservation.command.ts'
import { lockAvailable } from './stock.store.ts'

/** Takes sold units back: each cause, a refund or a return, does so once. */
export async function restock(
  tx: Tx,
  orderId: OrderId,
  back: {
    readonly causeId: AnyId
    /** `cancellation` of units that never left the warehouse, `return` of those that did. */
    readonly reason: Extract<MovementReason, 'cancellation' | 'return'>
    readonly units: readonly { readonly lineNo: number; readonly count: number }[]
  },
  now: Date,
): Promise<void> {
  const { causeId, reason, units } = back
  if (units.length === 0) return
  const found = await lockReservation(tx, orderId)
  if (found === undefined) return
  const decided = decideRestock(found, units)
  await lockAvailable(tx, [...decided.move.keys()])
  await settleReservation(tx, found, decided, { reason, causeId, now })
}
