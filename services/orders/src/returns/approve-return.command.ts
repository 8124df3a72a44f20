import { returnApproved } from '@campus/contracts/events/orders'
import type { ReturnId } from '@campus/contracts/ids'
import { emit } from '@campus/platform/events/outbox'
import { amountOf } from '../checkout/progress.ts'
import { withVariants } from '../checkout/requests.ts'
import { lockReturn, type ReturnDeps } from './lock-return.command.ts'
import { payBackReturn } from './pay-back-return.command.ts'
import { findReturn, saveReturn } from './return.store.ts'
import { decideApproval, type Return, refundOf } from './return.ts'

/**
 * Agrees to take something back: goods are waited for, a course is paid back at once.
 *
 * @throws AppError `request.not_found`, `orders.return_not_requested`
 */
export async function approveReturn(deps: ReturnDeps, returnId: ReturnId): Promise<Return> {
  const { postgres, clock, orders } = deps
  return postgres.transaction(async tx => {
    const now = clock.now()
    const { order, found } = await lockReturn(tx, deps, returnId)
    const next = decideApproval(order.saga, found)
    const approved: Return = { ...found, state: 'approved', decidedAt: now }
    const { lines, currency } = approved
    // What it comes to when everything arrives.
    const refundAmount = { amount: amountOf({ lines: refundOf(order.saga, lines) }), currency }
    await saveReturn(tx, approved)
    const units = withVariants(lines, await orders.linesOf(tx, order))
    emit(tx, returnApproved.of({ orderId: order.id, returnId, lines: units, refundAmount }))
    const data = { returnId, amount: refundAmount }
    const noted = await orders.note(tx, order, { code: 'return_approved', data }, now)
    if (next === 'refund') await payBackReturn(tx, deps, noted, approved, lines, now)
    return (await findReturn(tx, returnId)) ?? approved
  })
}
