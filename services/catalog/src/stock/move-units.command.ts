import { stockAdjusted } from '@campus/contracts/events/catalog'
import type { AnyId, MovementId, OrderId, VariantId } from '@campus/contracts/ids'
import type { Tx } from '@campus/platform/data/postgres'
import { emit } from '@campus/platform/events/outbox'
import { newId } from '@campus/platform/new-id'
import { currentFlow } from '@campus/platform/process/flow'
import type { Movement, MovementReason } from './movement.ts'
import { move } from './stock.store.ts'
import { tellAvailability } from './tell-availability.command.ts'

/** Moves units in or out, with a movement and an event for each variant. */
export async function moveUnits(
  tx: Tx,
  change: {
    /** Units that come (positive) or go (negative). */
    readonly deltas: ReadonlyMap<VariantId, number>
    /** Whether the same number of reserved units is let go of. */
    readonly isReserved: boolean
    readonly reason: MovementReason
    readonly orderId: OrderId | null
    /** What asked for it, when an order may give one variant back several times. */
    readonly causeId: AnyId | null
    readonly now: Date
  },
): Promise<Movement[]> {
  const { movements, changes } = await move(tx, {
    ...change,
    actor: currentFlow()?.actor ?? 'service:catalog',
    newId: () => newId<MovementId>(),
  })
  emit(
    tx,
    ...movements.map(({ id, variantId, delta, onHandAfter, reason }) =>
      stockAdjusted.of({ movementId: id, variantId, delta, onHandCount: onHandAfter, reason }),
    ),
  )
  await tellAvailability(tx, changes)
  return movements
}
