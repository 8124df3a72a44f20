import type { VariantId } from '@campus/contracts/ids'
import type { Clock } from '@campus/platform/clock'
import type { Postgres } from '@campus/platform/data/postgres'
import { chassis, fail, refuseAll } from '@campus/platform/errors'
import { refuse } from '../errors.ts'
import { moveUnits } from './move-units.command.ts'
import type { Movement, MovementReason } from './movement.ts'
import { findStock, lockAvailable } from './stock.store.ts'

/**
 * Corrects the stock of a variant by `delta` units.
 *
 * @throws AppError `request.not_found` for a variant without stock, `catalog.stock_reserved` when more
 *   units are reserved than would be left
 */
export async function adjustStock(
  { postgres, clock }: { readonly postgres: Postgres; readonly clock: Clock },
  change: {
    readonly variantId: VariantId
    readonly delta: number
    readonly reason: Extract<MovementReason, 'count' | 'damage' | 'delivery'>
  },
): Promise<Movement> {
  const { variantId, delta, reason } = change
  return postgres.transaction(async tx => {
    const available = (await lockAvailable(tx, [variantId])).get(variantId)
    if (available === undefined) return fail(chassis.notFound())
    const { reserved } = (await findStock(tx, variantId)) ?? { reserved: 0 }
    refuseAll(available + delta < 0 ? [refuse.stock_reserved({ reserved, available })] : [])
    const [movement] = await moveUnits(tx, {
      deltas: new Map([[variantId, delta]]),
      isReserved: false,
      reason,
      orderId: null,
      causeId: null,
      now: clock.now(),
    })
    return movement ?? fail(chassis.notFound())
  })
}
