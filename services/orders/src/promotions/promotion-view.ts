import { At } from '@campus/contracts/fields'
import { PromotionId } from '@campus/contracts/ids'
import { type Static, Type } from 'typebox'
import { Action, Conditions, type Promotion } from './promotion.ts'

/** A promotion as staff sees it. */
export const PromotionView = Type.Object({
  id: PromotionId,
  code: Type.String(),
  name: Type.String(),
  action: Action,
  conditions: Conditions,
  usageLimit: Type.Optional(Type.Integer()),
  perCustomer: Type.Optional(Type.Integer()),
  usedCount: Type.Integer({ description: 'Orders that use it and were not cancelled' }),
  from: Type.Optional(At),
  to: Type.Optional(At),
  version: Type.Integer(),
  createdAt: At,
  updatedAt: At,
})

/** Shows a promotion. */
export function promotionViewOf(promotion: Promotion): Static<typeof PromotionView> {
  const { usageLimit, perCustomer, startsAt, endsAt, createdAt, updatedAt, ...same } = promotion
  return {
    ...same,
    ...(usageLimit !== null && { usageLimit }),
    ...(perCustomer !== null && { perCustomer }),
    ...(startsAt !== null && { from: startsAt.toISOString() }),
    ...(endsAt !== null && { to: endsAt.toISOString() }),
    createdAt: createdAt.toISOString(),
    updatedAt: updatedAt.toISOString(),
  }
}
