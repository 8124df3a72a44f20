import type { PromotionId } from '@campus/contracts/ids'
import type { Clock } from '@campus/platform/clock'
import type { Postgres } from '@campus/platform/data/postgres'
import { refuseAll } from '@campus/platform/errors'
import { newId } from '@campus/platform/new-id'
import { refuse } from '../errors.ts'
import { insertPromotion } from './promotion.store.ts'
import { type Promotion, requireSound, toCode } from './promotion.ts'

export interface PromotionDeps {
  readonly postgres: Postgres
  readonly clock: Clock
}

/** What staff says of a new promotion. */
export type NewPromotion = Omit<
  Promotion,
  'id' | 'usedCount' | 'version' | 'createdAt' | 'updatedAt'
>

/**
 * Adds a promotion; from its beginning on its code works.
 *
 * @throws AppError `orders.period_empty`, `orders.amounts_mixed`, `orders.code_taken`
 */
export async function createPromotion(
  { postgres, clock }: PromotionDeps,
  wanted: NewPromotion,
): Promise<Promotion> {
  requireSound(wanted)
  const now = clock.now()
  const made: Promotion = {
    ...wanted,
    id: newId<PromotionId>(),
    code: toCode(wanted.code),
    usedCount: 0,
    version: 1,
    createdAt: now,
    updatedAt: now,
  }
  const isMade = await postgres.transaction(tx => insertPromotion(tx, made))
  refuseAll(isMade ? [] : [refuse.code_taken()])
  return made
}
