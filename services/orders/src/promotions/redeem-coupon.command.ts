import { promotionExhausted } from '@campus/contracts/events/orders'
import type { OrderId, PromotionId, UserId } from '@campus/contracts/ids'
import type { Tx } from '@campus/platform/data/postgres'
import { emit } from '@campus/platform/events/outbox'
import { insertRedemption } from './promotion.store.ts'
import { isExhausted } from './promotion.ts'

/** An order that uses a promotion. */
export interface Redemption {
  readonly promotionId: PromotionId
  readonly orderId: OrderId
  readonly userId: UserId
  readonly redeemedAt: Date
}

/**
 * Uses a promotion for an order, as part of the transaction that places it. The promotion was locked
 * before the order was decided about, so it cannot be used more often than it may be (O5).
 */
export async function redeemCoupon(tx: Tx, redemption: Redemption): Promise<void> {
  const used = await insertRedemption(tx, redemption)
  if (used === undefined || !isExhausted(used)) return
  emit(tx, promotionExhausted.of({ promotionId: used.id, usedCount: used.usedCount }))
}
