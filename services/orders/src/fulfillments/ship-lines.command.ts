import type { ShippedLine } from '@campus/contracts/events/orders'
import type { FulfillmentId, OrderId } from '@campus/contracts/ids'
import type { Clock } from '@campus/platform/clock'
import type { Postgres } from '@campus/platform/data/postgres'
import { chassis, fail } from '@campus/platform/errors'
import { newId } from '@campus/platform/new-id'
import type { ChangeOrder } from '../locked-orders.ts'
import { insertFulfillment } from './fulfillment.store.ts'
import { type Fulfillment, requireShippable } from './fulfillment.ts'

export interface FulfillmentDeps {
  readonly postgres: Postgres
  readonly clock: Clock
  readonly changeOrder: ChangeOrder
}

/**
 * Notes that units of an order have left the warehouse.
 *
 * @throws AppError `request.not_found`, and all reasons of `requireShippable`
 */
export async function shipLines(
  { postgres, clock, changeOrder }: FulfillmentDeps,
  parcel: {
    readonly orderId: OrderId
    readonly lines: readonly ShippedLine[]
    readonly trackingCode: string | null
  },
): Promise<Fulfillment> {
  return postgres.transaction(async tx => {
    const shippedAt = clock.now()
    const id = newId<FulfillmentId>()
    const made: Fulfillment = { ...parcel, id, shippedAt, deliveredAt: null }
    const order = await changeOrder(
      tx,
      parcel.orderId,
      ({ saga }) => {
        requireShippable(saga, parcel.lines)
        const { lines, trackingCode } = parcel
        return { kind: 'shipped', fulfillmentId: id, lines, trackingCode }
      },
      shippedAt,
    )
    if (order === undefined) return fail(chassis.notFound())
    await insertFulfillment(tx, made)
    return made
  })
}
