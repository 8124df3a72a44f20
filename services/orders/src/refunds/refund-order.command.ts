import type { OrderId, RefundId } from '@campus/contracts/ids'
import type { Clock } from '@campus/platform/clock'
import type { Postgres } from '@campus/platform/data/postgres'
import { chassis, fail } from '@campus/platform/errors'
import { newId } from '@campus/platform/new-id'
import type { Order } from '../checkout/order.ts'
import type { Refund } from '../checkout/progress.ts'
import type { ChangeOrder } from '../locked-orders.ts'
import { decideRefund, type WantedLine } from './refund.ts'

export interface RefundDeps {
  readonly postgres: Postgres
  readonly clock: Clock
  readonly changeOrder: ChangeOrder
}

/** A refund together with the order that it is of. */
export interface RefundOfOrder {
  readonly order: Order
  readonly refund: Refund
}

/**
 * Asks payments to give money of an order back. The order's lock makes Σ refunds ≤ captured hold,
 * however many ask at once.
 *
 * @throws AppError `request.not_found`, and all reasons of `decideRefund`
 */
export async function refundOrder(
  { postgres, clock, changeOrder }: RefundDeps,
  wish: {
    readonly orderId: OrderId
    readonly lines: readonly WantedLine[]
    readonly reason: string
  },
): Promise<RefundOfOrder> {
  const { orderId, reason } = wish
  return postgres.transaction(async tx => {
    const refundId = newId<RefundId>()
    const order = await changeOrder(
      tx,
      orderId,
      ({ saga, totals }) => {
        const lines = decideRefund(saga, totals.total.currency, wish.lines)
        return { kind: 'refund', refundId, returnId: null, cause: 'staff', reason, lines }
      },
      clock.now(),
    )
    const refund = order?.saga.refunds.find(({ id }) => id === refundId)
    if (order === undefined || refund === undefined) return fail(chassis.notFound())
    return { order, refund }
  })
}
