import type { PaymentMethodId, UserId } from '@campus/contracts/ids'
import type { Tx } from '@campus/platform/data/postgres'
import { and, desc, eq, isNull, sql } from 'drizzle-orm'
import { paymentMethod } from '../schema.ts'
import { methodsMax, type PaymentMethod } from './method.ts'

/** The payment methods of a person, the newest first. */
export async function methodsOf(tx: Tx, userId: UserId): Promise<PaymentMethod[]> {
  return tx
    .select()
    .from(paymentMethod)
    .where(and(eq(paymentMethod.userId, userId), isNull(paymentMethod.removedAt)))
    .orderBy(desc(paymentMethod.id))
    .limit(methodsMax)
}

/** Waits until no other transaction adds methods of this person. */
export async function lockMethodsOf(tx: Tx, userId: UserId): Promise<void> {
  await tx.execute(sql`select pg_advisory_xact_lock(hashtextextended(${`methods:${userId}`}, 0))`)
}

export async function insertMethod(tx: Tx, row: PaymentMethod): Promise<void> {
  await tx.insert(paymentMethod).values(row)
}

/** @returns whether there was such a method */
export async function leaveMethod(
  tx: Tx,
  userId: UserId,
  id: PaymentMethodId,
  now: Date,
): Promise<boolean> {
  const { rowCount } = await tx
    .update(paymentMethod)
    .set({ removedAt: now })
    .where(
      and(
        eq(paymentMethod.id, id),
        eq(paymentMethod.userId, userId),
        isNull(paymentMethod.removedAt),
      ),
    )
  return rowCount === 1
}

/** The provider's token of a method; undefined when it is removed or somebody else's. */
export async function tokenOf(
  tx: Tx,
  userId: UserId,
  id: PaymentMethodId,
): Promise<string | undefined> {
  const [row] = await tx
    .select({ token: paymentMethod.token })
    .from(paymentMethod)
    .where(
      and(
        eq(paymentMethod.id, id),
        eq(paymentMethod.userId, userId),
        isNull(paymentMethod.removedAt),
      ),
    )
  return row?.token
}
