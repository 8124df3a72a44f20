import { type AnyId, asId, type OrderId, type RefundId } from '@campus/contracts/ids'
import type { Tx } from '@campus/platform/data/postgres'
import { lockReservation } from './reservation.store.ts'
import { decideRestock } from './reservation.ts'
import { settleReservation } from './settle-reservation.command.ts'
import { lockAvailable } from './stock.store.ts'

/** Takes back what a refund leaves in the warehouse; a refund does so once. */
export async function restock(
  tx: Tx,
  orderId: OrderId,
  refund: {
    readonly refundId: RefundId
    readonly units: readonly { readonly lineNo: number; readonly count: number }[]
  },
  now: Date,
): Promise<void> {
  const found = await lockReservation(tx, orderId)
  if (found === undefined) return
  const decided = decideRestock(found, refund.units)
  await lockAvailable(tx, [...decided.move.keys()])
  const causeId = asId<AnyId>(refund.refundId)
  await settleReservation(tx, found, decided, { reason: 'cancellation', causeId, now })
}
