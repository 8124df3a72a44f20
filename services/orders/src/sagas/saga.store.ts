import type { OrderId } from '@campus/contracts/ids'
import type { Tx } from '@campus/platform/data/postgres'
import { and, desc, eq, isNotNull, isNull, lt } from 'drizzle-orm'
import type { State } from '../checkout/saga-state.ts'
import { orders } from '../schema.ts'

/** Which sagas; all of them when nothing is said. */
export interface SagaFilter {
  readonly state: State | undefined
  readonly isStuck: boolean | undefined
}

const summary = {
  orderId: orders.id,
  state: orders.state,
  reason: orders.reason,
  note: orders.note,
  timerAt: orders.timerAt,
  askedAt: orders.askedAt,
  stuckAt: orders.stuckAt,
  version: orders.version,
}

/** Where the sagas are, the newest order first, from behind `after` on. */
export async function sagasOf(
  tx: Tx,
  { state, isStuck }: SagaFilter,
  after: OrderId | undefined,
  max: number,
) {
  return tx
    .select(summary)
    .from(orders)
    .where(
      and(
        state === undefined ? undefined : eq(orders.state, state),
        isStuck === undefined
          ? undefined
          : isStuck
            ? isNotNull(orders.stuckAt)
            : isNull(orders.stuckAt),
        after === undefined ? undefined : lt(orders.id, after),
      ),
    )
    .orderBy(desc(orders.id))
    .limit(max)
}

/** Everything that is known of one saga. */
export async function findSaga(tx: Tx, orderId: OrderId) {
  const [row] = await tx
    .select({
      ...summary,
      stockDone: orders.stockDone,
      moneyDone: orders.moneyDone,
      currency: orders.currency,
      captured: orders.captured,
      refunded: orders.refunded,
      lines: orders.progress,
      refunds: orders.refunds,
      happenings: orders.happenings,
    })
    .from(orders)
    .where(eq(orders.id, orderId))
  return row
}

export type SagaSummaryRow = Awaited<ReturnType<typeof sagasOf>>[number]
export type SagaRow = NonNullable<Awaited<ReturnType<typeof findSaga>>>
