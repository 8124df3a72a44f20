import type { MovementId, VariantId } from '@campus/contracts/ids'
import type { Clock } from '@campus/platform/clock'
import type { Postgres } from '@campus/platform/data/postgres'
import { chassis, fail, refuseAll } from '@campus/platform/errors'
import { emit } from '@campus/platform/events/outbox'
import { newId } from '@campus/platform/new-id'
import { currentFlow } from '@campus/platform/process/flow'
import { refuse } from '../errors.ts'
import type { Movement, MovementReason } from './movement.ts'
import { lockStock } from './stock.store.ts'
import { openStockBook } from './stock-book.ts'
import { writeStock } from './write-stock.command.ts'

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
    const locked = await lockStock(tx, [variantId])
    const stock = locked.get(variantId)
    if (stock === undefined) return fail(chassis.notFound())
    const { onHand, reserved } = stock
    const available = onHand - reserved
    refuseAll(available + delta < 0 ? [refuse.stock_reserved({ reserved, available })] : [])
    const book = openStockBook(locked, () => newId<MovementId>())
    const events = book.change({
      reserve: new Map(),
      move: new Map([[variantId, delta]]),
      reason,
      orderId: null,
      causeId: null,
      actor: currentFlow()?.actor ?? 'service:catalog',
      at: clock.now(),
    })
    await writeStock(tx, book)
    emit(tx, ...events)
    const [movement] = book.movements
    return movement ?? fail(chassis.notFound())
  })
}
