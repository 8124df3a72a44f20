import { promotionExhausted } from '@campus/contracts/events/orders'
import type { PromotionId } from '@campus/contracts/ids'
import { chassis, fail } from '@campus/platform/errors'
import { emit } from '@campus/platform/events/outbox'
import type { PromotionDeps } from './create-promotion.command.ts'
import { busiestCount, lockPromotion, savePromotion } from './promotion.store.ts'
import { decideChange, isExhausted, type Promotion, type PromotionChange } from './promotion.ts'

/**
 * Changes what staff may change of a promotion. Under its lock, so that no buyer uses it meanwhile.
 *
 * @param requireSeen throws when the caller has not seen this version
 * @throws AppError `request.not_found`, and all reasons of `decideChange`
 */
export async function changePromotion(
  { postgres, clock }: PromotionDeps,
  id: PromotionId,
  change: PromotionChange,
  requireSeen: (promotion: Promotion) => void,
): Promise<Promotion> {
  return postgres.transaction(async tx => {
    const found = await lockPromotion(tx, id)
    if (found === undefined) return fail(chassis.notFound())
    requireSeen(found)
    // Only a new limit is compared: counting reads all uses.
    const busiest = typeof change.perCustomer === 'number' ? await busiestCount(tx, id) : 0
    const decided = decideChange(found, change, busiest)
    const next = { ...decided, version: found.version + 1, updatedAt: clock.now() }
    await savePromotion(tx, next)
    if (isExhausted(next) && !isExhausted(found)) {
      emit(tx, promotionExhausted.of({ promotionId: id, usedCount: next.usedCount }))
    }
    return next
  })
}

/**
 * Ends a promotion now; one that has ended stays as it is. It is kept, because orders have used it.
 *
 * @throws AppError `request.not_found`
 */
export async function endPromotion(
  { postgres, clock }: PromotionDeps,
  id: PromotionId,
): Promise<void> {
  await postgres.transaction(async tx => {
    const found = await lockPromotion(tx, id)
    if (found === undefined) return fail(chassis.notFound())
    const now = clock.now()
    if (found.endsAt !== null && found.endsAt <= now) return
    await savePromotion(tx, { ...found, endsAt: now, version: found.version + 1, updatedAt: now })
  })
}
