import { returnRejected } from '@campus/contracts/events/orders'
import type { ReturnId } from '@campus/contracts/ids'
import { emit } from '@campus/platform/events/outbox'
import { withVariants } from '../checkout/requests.ts'
import { lockReturn, type ReturnDeps } from './lock-return.command.ts'
import { saveReturn } from './return.store.ts'
import { type Return, requireRejectable } from './return.ts'

/**
 * Turns a return down; its units may be asked about again.
 *
 * @throws AppError `request.not_found`, `orders.return_not_rejectable`
 */
export async function rejectReturn(
  deps: ReturnDeps,
  returnId: ReturnId,
  reason: string,
): Promise<Return> {
  const { postgres, clock, orders } = deps
  return postgres.transaction(async tx => {
    const now = clock.now()
    const { order, found } = await lockReturn(tx, deps, returnId)
    requireRejectable(found)
    const rejected: Return = { ...found, state: 'rejected', rejection: reason, decidedAt: now }
    await saveReturn(tx, rejected)
    const units = withVariants(found.lines, await orders.linesOf(tx, order))
    emit(tx, returnRejected.of({ orderId: order.id, returnId, lines: units }))
    await orders.note(tx, order, { code: 'return_rejected', data: { returnId, reason } }, now)
    return rejected
  })
}
