import type { ReturnId } from '@campus/contracts/ids'
import type { Clock } from '@campus/platform/clock'
import type { Postgres, Tx } from '@campus/platform/data/postgres'
import { chassis, fail } from '@campus/platform/errors'
import type { Order } from '../checkout/order.ts'
import type { LockedOrders } from '../locked-orders.ts'
import { findReturn } from './return.store.ts'
import type { Return } from './return.ts'

export interface ReturnDeps {
  readonly postgres: Postgres
  readonly clock: Clock
  /** Days after the last delivery of a line in which it may be given back. */
  readonly windowDays: number
  readonly orders: LockedOrders
}

/**
 * A return as it is while its order is locked.
 *
 * @throws AppError `request.not_found`
 */
export async function lockReturn(
  tx: Tx,
  { orders }: ReturnDeps,
  returnId: ReturnId,
): Promise<{ readonly order: Order; readonly found: Return }> {
  const seen = await findReturn(tx, returnId)
  const order = seen && (await orders.lock(tx, seen.orderId))
  if (order === undefined) return fail(chassis.notFound())
  // It may have changed before the lock was there.
  const found = await findReturn(tx, returnId)
  return found === undefined ? fail(chassis.notFound()) : { order, found }
}
