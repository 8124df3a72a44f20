import type { OrderId, UserId } from '@campus/contracts/ids'
import type { Clock } from '@campus/platform/clock'
import type { Postgres, Tx } from '@campus/platform/data/postgres'
import { chassis, fail } from '@campus/platform/errors'
import { requireCancellable } from '../checkout/order.ts'
import { refuse } from '../errors.ts'
import type { ChangeOrder } from '../locked-orders.ts'

export interface OperateDeps {
  readonly postgres: Postgres
  readonly clock: Clock
  readonly changeOrder: ChangeOrder
  /** Asks for what an order waits for once more. */
  readonly askAgain: (
    tx: Tx,
    orderId: OrderId,
    now: Date,
  ) => Promise<'unknown' | 'nothing_to_ask' | 'asked'>
}

/**
 * Asks for whatever an order waits for once more, refunds that have failed included.
 *
 * @throws AppError `request.not_found`, `orders.saga_nothing_to_ask`
 */
export async function retrySaga(
  { postgres, clock, askAgain }: OperateDeps,
  orderId: OrderId,
): Promise<void> {
  await postgres.transaction(async tx => {
    const outcome = await askAgain(tx, orderId, clock.now())
    if (outcome === 'unknown') fail(chassis.notFound())
    if (outcome === 'nothing_to_ask') fail(refuse.saga_nothing_to_ask())
  })
}

/**
 * Stops an order as staff: stock and money are given back.
 *
 * @throws AppError `request.not_found`, `orders.already_cancelled`, and all reasons of
 *   `requireCancellable`
 */
export async function compensateSaga(
  { postgres, clock, changeOrder }: OperateDeps,
  orderId: OrderId,
  by: { readonly userId: UserId; readonly reason: string },
): Promise<void> {
  await postgres.transaction(async tx => {
    const order = await changeOrder(
      tx,
      orderId,
      found => {
        const { state } = found.saga
        if (state === 'cancelling' || state === 'cancelled') fail(refuse.already_cancelled())
        requireCancellable(found)
        return { kind: 'cancel', by: { type: 'user', id: by.userId }, note: by.reason }
      },
      clock.now(),
    )
    if (order === undefined) fail(chassis.notFound())
  })
}
