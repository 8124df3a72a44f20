import type { OrderId, PromotionId, UserId } from '@campus/contracts/ids'
import type { Tx } from '@campus/platform/data/postgres'
import { and, desc, eq, isNull, lt, sql } from 'drizzle-orm'
import { promotion, redemption } from '../schema.ts'
import type { Coupon } from './coupon.ts'
import type { Promotion } from './promotion.ts'

/** Adds a promotion. @returns false when its code is taken */
export async function insertPromotion(tx: Tx, made: Promotion): Promise<boolean> {
  const { rowCount } = await tx
    .insert(promotion)
    .values(made)
    .onConflictDoNothing({ target: promotion.code })
  return rowCount === 1
}

/** A promotion without a lock. */
export async function findPromotion(tx: Tx, id: PromotionId): Promise<Promotion | undefined> {
  const [row] = await tx.select().from(promotion).where(eq(promotion.id, id))
  return row
}

/** The same, locked until the end of the transaction: nobody uses it meanwhile. */
export async function lockPromotion(tx: Tx, id: PromotionId): Promise<Promotion | undefined> {
  const [row] = await tx.select().from(promotion).where(eq(promotion.id, id)).for('update')
  return row
}

/** Writes what staff has changed. The caller holds the lock. */
export async function savePromotion(tx: Tx, changed: Promotion): Promise<void> {
  const { name, usageLimit, perCustomer, endsAt, version, updatedAt } = changed
  await tx
    .update(promotion)
    .set({ name, usageLimit, perCustomer, endsAt, version, updatedAt })
    .where(eq(promotion.id, changed.id))
}

/** Promotions, the newest first, from behind `after` on. */
export async function promotionsOf(
  tx: Tx,
  after: PromotionId | undefined,
  max: number,
): Promise<Promotion[]> {
  return tx
    .select()
    .from(promotion)
    .where(after === undefined ? undefined : lt(promotion.id, after))
    .orderBy(desc(promotion.id))
    .limit(max)
}

/** What `userId`, null for a guest, gets by `code`; undefined when there is no such promotion. */
export async function findCoupon(
  tx: Tx,
  code: string,
  userId: UserId | null,
): Promise<Coupon | undefined> {
  const [row] = await tx.select().from(promotion).where(eq(promotion.code, code))
  return row && withUses(tx, row, userId)
}

/** The same, locked until the end of the transaction: of buyers at once each sees the uses of the others. */
export async function lockCoupon(
  tx: Tx,
  code: string,
  userId: UserId | null,
): Promise<Coupon | undefined> {
  const [row] = await tx.select().from(promotion).where(eq(promotion.code, code)).for('update')
  return row && withUses(tx, row, userId)
}

/** Writes that an order uses the promotion. The caller holds its lock and knows that it may. */
export async function insertRedemption(
  tx: Tx,
  use: {
    readonly promotionId: PromotionId
    readonly orderId: OrderId
    readonly userId: UserId
    readonly redeemedAt: Date
  },
): Promise<Promotion | undefined> {
  await tx.insert(redemption).values(use)
  const [row] = await tx
    .update(promotion)
    .set({ usedCount: sql`${promotion.usedCount} + 1` })
    .where(eq(promotion.id, use.promotionId))
    .returning()
  return row
}

/** Gives the use of a cancelled order back, once. The caller holds the lock of the order. */
export async function returnRedemption(tx: Tx, orderId: OrderId, now: Date): Promise<void> {
  const [row] = await tx
    .update(redemption)
    .set({ returnedAt: now })
    .where(and(eq(redemption.orderId, orderId), isNull(redemption.returnedAt)))
    .returning({ promotionId: redemption.promotionId })
  if (row === undefined) return
  await tx
    .update(promotion)
    .set({ usedCount: sql`${promotion.usedCount} - 1` })
    .where(eq(promotion.id, row.promotionId))
}

/** Uses by the account that has used the promotion most. */
export async function busiestCount(tx: Tx, promotionId: PromotionId): Promise<number> {
  const count = sql<number>`count(*)`.mapWith(Number)
  const [row] = await tx
    .select({ count })
    .from(redemption)
    .where(standing(promotionId))
    .groupBy(redemption.userId)
    .orderBy(desc(sql`count(*)`))
    .limit(1)
  return row?.count ?? 0
}

/** A statement of its own: one that waits for the lock would count by the snapshot from before. */
async function withUses(tx: Tx, found: Promotion, userId: UserId | null): Promise<Coupon> {
  const isCounted = found.perCustomer !== null && userId !== null
  const redeemedCount = isCounted
    ? await tx.$count(redemption, and(standing(found.id), eq(redemption.userId, userId)))
    : 0
  return { promotion: found, redeemedCount }
}

function standing(promotionId: PromotionId) {
  return and(eq(redemption.promotionId, promotionId), isNull(redemption.returnedAt))
}
