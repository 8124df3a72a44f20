import type { FulfillmentId } from '@campus/contracts/ids'
import { chassis, fail } from '@campus/platform/errors'
import { findFulfillment, saveDelivered } from './fulfillment.store.ts'
import type { Fulfillment } from './fulfillment.ts'
import type { FulfillmentDeps } from './ship-lines.command.ts'

/**
 * Notes that a parcel has arrived; a second time has no effect.
 *
 * @throws AppError `request.not_found`
 */
export async function deliverParcel(
  { postgres, clock, changeOrder }: FulfillmentDeps,
  id: FulfillmentId,
): Promise<Fulfillment> {
  return postgres.transaction(async tx => {
    const now = clock.now()
    const found = await findFulfillment(tx, id)
    if (found === undefined) return fail(chassis.notFound())
    if (found.deliveredAt !== null) return found
    const { orderId, lines } = found
    // Of two calls at once the second is ignored by the saga: nothing is on its way any more.
    await changeOrder(tx, orderId, () => ({ kind: 'delivered', fulfillmentId: id, lines }), now)
    await saveDelivered(tx, id, now)
    return { ...found, deliveredAt: now }
  })
}
