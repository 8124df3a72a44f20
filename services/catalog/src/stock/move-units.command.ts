import { stockAdjusted } from '@campus/contracts/events/catalog'
import type { MovementId, OrderId, VariantId } from '@campus/contracts/ids'
import type { Tx } from '@campus/platform/data/postgres'
import { emit } from '@campus/platform/events/outbox'
import { newId } from '@campus/platform/new-id'
import { currentFlow } from '@campus/platform/process/flow'
import type { Movement, MovementReason } from './movement.ts'
import { move } from './stock.store.ts'

/** Moves units in or out, with a movement and an event for each variant. */
export async function moveUnits(
  tx: Tx,
  change: {
    readonly wanted: ReadonlyMap<VariantId, number>
    readonly sign: 1 | -1
    /** Whether the same number of reserved units is let go of. */
    readonly isReserved: boolean
    readonly reason: MovementReason
    readonly orderId: OrderId | null
    readonly now: Date
  },
): Promise<Movement[]> {
  const { wanted, sign, ...rest } = change
  const movements = await move(tx, {
    ...rest,
    deltas: new Map([...wanted].map(([variantId, quantity]) => [variantId, sign * quantity])),
    actor: currentFlow()?.actor ?? 'service:catalog',
    newId: () => newId<MovementId>(),
  })
  await emit(
    tx,
    ...movements.map(({ id, variantId, delta, onHandAfter, reason }) =>
      stockAdjusted.of({ movementId: id, variantId, delta, onHandCount: onHandAfter, reason }),
    ),
  )
  return movements
}
