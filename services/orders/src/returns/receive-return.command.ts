import { returnReceived } from '@campus/contracts/events/orders'
import type { ReturnId } from '@campus/contracts/ids'
import { emit } from '@campus/platform/events/outbox'
import { withVariants } from '../checkout/requests.ts'
import { lockReturn, type ReturnDeps } from './lock-return.command.ts'
import { payBackReturn } from './pay-back-return.command.ts'
import { findReturn, saveReturn } from './return.store.ts'
import { type ReceivedLine, type Return, requireReceivable } from './return.ts'

/**
 * Notes what has arrived of a return and pays it back; catalog puts what can be sold again on its shelf.
 *
 * @throws AppError `request.not_found`, and all reasons of `requireReceivable`
 */
export async function receiveReturn(
  deps: ReturnDeps,
  returnId: ReturnId,
  received: readonly ReceivedLine[],
): Promise<Return> {
  const { postgres, clock, orders } = deps
  return postgres.transaction(async tx => {
    const now = clock.now()
    const { order, found } = await lockReturn(tx, deps, returnId)
    requireReceivable(found, received)
    const taken: Return = { ...found, state: 'received', received, receivedAt: now }
    await saveReturn(tx, taken)
    const ordered = await orders.linesOf(tx, order)
    const units = received.flatMap(line =>
      withVariants([line], ordered).map(unit => ({ ...unit, restock: line.restock })),
    )
    emit(tx, returnReceived.of({ orderId: order.id, returnId, lines: units }))
    const lines = received.map(({ lineNo, quantity }) => ({ lineNo, quantity }))
    const data = { returnId, lines }
    const noted = await orders.note(tx, order, { code: 'return_received', data }, now)
    await payBackReturn(tx, deps, noted, taken, received, now)
    return (await findReturn(tx, returnId)) ?? taken
  })
}
