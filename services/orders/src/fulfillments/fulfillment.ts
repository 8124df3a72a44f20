import type { ShippedLine } from '@campus/contracts/events/orders'
import type { FulfillmentId, OrderId } from '@campus/contracts/ids'
import { refuseAll } from '@campus/platform/errors'
import { type Progress, restOf } from '../checkout/progress.ts'
import type { Saga } from '../checkout/saga-state.ts'
import { refuse } from '../errors.ts'

/** A parcel: units of an order that left the warehouse together. */
export interface Fulfillment {
  readonly id: FulfillmentId
  readonly orderId: OrderId
  readonly lines: readonly ShippedLine[]
  readonly trackingCode: string | null
  readonly shippedAt: Date
  readonly deliveredAt: Date | null
}

/**
 * Whether so many units of each line may leave the warehouse now.
 *
 * @throws AppError with every reason that holds: `orders.order_not_confirmed`, `orders.line_repeated`,
 *   `orders.line_unknown` (also for a course), `orders.units_not_left`
 */
export function requireShippable(saga: Saga, wanted: readonly ShippedLine[]): void {
  const reasons = saga.state === 'confirmed' ? [] : [refuse.order_not_confirmed()]
  if (new Set(wanted.map(({ lineNo }) => lineNo)).size < wanted.length) {
    reasons.push(refuse.line_repeated())
  }
  for (const { lineNo, quantity } of wanted) {
    const left = unitsLeft(saga, lineNo)
    if (left === undefined) reasons.push(refuse.line_unknown({ lineNo }))
    else if (quantity > left) reasons.push(refuse.units_not_left({ lineNo, left }))
  }
  refuseAll(reasons)
}

function unitsLeft(progress: Progress, wanted: number): number | undefined {
  const line = progress.lines.find(({ lineNo, kind }) => lineNo === wanted && kind === 'physical')
  return line && restOf(progress, line).unshipped
}
