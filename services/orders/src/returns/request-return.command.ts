import { returnRequested, type ShippedLine } from '@campus/contracts/events/orders'
import type { OrderId, ReturnId, UserId } from '@campus/contracts/ids'
import { chassis, fail } from '@campus/platform/errors'
import { emit } from '@campus/platform/events/outbox'
import { newId } from '@campus/platform/new-id'
import { withVariants } from '../checkout/requests.ts'
import type { ReturnDeps } from './lock-return.command.ts'
import { insertReturn, returnsOfOrder } from './return.store.ts'
import { type Return, requireReturnable } from './return.ts'

/**
 * Asks for units of an order of `userId` to be taken back. The order's lock lets one of two wishes for
 * the same units win.
 *
 * @throws AppError `request.not_found` for an unknown order and for somebody else's, and all reasons of
 *   `requireReturnable`
 */
export async function requestReturn(
  { postgres, clock, windowDays, orders }: ReturnDeps,
  wish: {
    readonly orderId: OrderId
    readonly userId: UserId
    readonly lines: readonly ShippedLine[]
    readonly reason: string
  },
): Promise<Return> {
  const { orderId, userId, lines, reason } = wish
  return postgres.transaction(async tx => {
    const now = clock.now()
    const order = await orders.lock(tx, orderId)
    if (order === undefined || order.userId !== userId) return fail(chassis.notFound())
    requireReturnable(order.saga, await returnsOfOrder(tx, orderId), lines, { now, windowDays })
    const id = newId<ReturnId>()
    const made: Return = {
      id,
      orderId,
      userId,
      currency: order.totals.total.currency,
      state: 'requested',
      reason,
      rejection: null,
      lines,
      received: [],
      refundId: null,
      refundMinor: null,
      requestedAt: now,
      decidedAt: null,
      receivedAt: null,
      closedAt: null,
    }
    await insertReturn(tx, made)
    const units = withVariants(lines, await orders.linesOf(tx, order))
    emit(tx, returnRequested.of({ orderId, returnId: id, lines: units }))
    const data = { returnId: id, lines: [...lines], reason }
    await orders.note(tx, order, { code: 'return_requested', data }, now)
    return made
  })
}
