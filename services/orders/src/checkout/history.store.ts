import type { OrderId, UserId } from '@campus/contracts/ids'
import type { Tx } from '@campus/platform/data/postgres'
import { and, desc, eq, gte, lt } from 'drizzle-orm'
import { orders } from '../schema.ts'
import { toOrder } from './order.store.ts'
import type { Order } from './order.ts'
import type { State } from './saga-state.ts'

/** Which orders of one account; ids are UUIDv7, so their order is the order of placement. */
export interface HistoryFilter {
  readonly userId: UserId
  readonly state: State | undefined
  readonly from: Date | undefined
}

/** Rows of the account's orders, the newest first, from behind `after` on. */
export async function historyOf(
  tx: Tx,
  { userId, state, from }: HistoryFilter,
  after: OrderId | undefined,
  max: number,
): Promise<Order[]> {
  const rows = await tx
    .select()
    .from(orders)
    .where(
      and(
        eq(orders.userId, userId),
        state === undefined ? undefined : eq(orders.state, state),
        from === undefined ? undefined : gte(orders.placedAt, from),
        after === undefined ? undefined : lt(orders.id, after),
      ),
    )
    .orderBy(desc(orders.id))
    .limit(max)
  return rows.map(toOrder)
}
