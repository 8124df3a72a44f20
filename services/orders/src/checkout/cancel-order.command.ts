import type { OrderId, UserId } from '@campus/contracts/ids'
import type { Clock } from '@campus/platform/clock'
import type { Postgres } from '@campus/platform/data/postgres'
import { chassis, fail } from '@campus/platform/errors'
import { advanceLocked, type SagaDeps } from './advance-order.command.ts'
import { lockOwnOrder } from './order.store.ts'
import { type Order, requireCancellable } from './order.ts'

interface Deps {
  readonly postgres: Postgres
  readonly clock: Clock
  readonly saga: SagaDeps
}

/**
 * Cancels an order of `userId`. Stock and money are given back by the saga, so the order may still be
 * `cancelling` afterwards; cancelling it again has no effect.
 *
 * @throws AppError `request.not_found` for an unknown order and for somebody else's,
 *   and all reasons of `requireCancellable`
 */
export async function cancelOrder(
  { postgres, clock, saga }: Deps,
  key: { readonly orderId: OrderId; readonly userId: UserId },
): Promise<Order> {
  return postgres.transaction(async tx => {
    const order = await lockOwnOrder(tx, key)
    if (order === undefined) return fail(chassis.notFound())
    requireCancellable(order)
    const by = { type: 'user', id: key.userId } as const
    return advanceLocked(tx, saga, order, { kind: 'cancel', by }, clock.now())
  })
}
