import { returnClosed, type ShippedLine } from '@campus/contracts/events/orders'
import type { RefundId } from '@campus/contracts/ids'
import type { Tx } from '@campus/platform/data/postgres'
import { emit } from '@campus/platform/events/outbox'
import { newId } from '@campus/platform/new-id'
import type { Order } from '../checkout/order.ts'
import { amountOf } from '../checkout/progress.ts'
import { withVariants } from '../checkout/requests.ts'
import type { ReturnDeps } from './lock-return.command.ts'
import { saveReturn } from './return.store.ts'
import { type Return, refundOf } from './return.ts'

/**
 * Pays the buyer back for units of a return whose order is locked: asks the saga for their refund, whose
 * success closes the return. When nothing of them is left to be paid back, it is closed at once.
 */
export async function payBackReturn(
  tx: Tx,
  { orders }: ReturnDeps,
  order: Order,
  taken: Return,
  units: readonly ShippedLine[],
  now: Date,
): Promise<void> {
  const { id: returnId, currency } = taken
  const lines = refundOf(order.saga, units)
  const refundMinor = amountOf({ lines })
  if (lines.length === 0) {
    await saveReturn(tx, { ...taken, state: 'closed', refundMinor, closedAt: now })
    const refundAmount = { amount: refundMinor, currency }
    const told = withVariants(units, await orders.linesOf(tx, order))
    emit(tx, returnClosed.of({ orderId: order.id, returnId, lines: told, refundAmount }))
    const data = { returnId, amount: refundAmount }
    await orders.note(tx, order, { code: 'return_closed', data }, now)
    return
  }
  const refundId = newId<RefundId>()
  // Before the saga is told: it closes the return at once when nothing has to be paid.
  await saveReturn(tx, { ...taken, state: 'refunding', refundId, refundMinor })
  // What the buyer wrote stays here: events carry no words of people.
  const wish = { refundId, returnId, cause: 'return', reason: 'return', lines } as const
  const { saga } = await orders.tell(tx, order, { kind: 'refund', ...wish }, now)
  if (!saga.refunds.some(({ id }) => id === refundId)) {
    throw new Error(`The refund of return ${returnId} does not fit its order.`)
  }
}
