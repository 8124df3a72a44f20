import type { UserId } from '@campus/contracts/ids'
import type { Tx } from '@campus/platform/data/postgres'
import { and, eq, gt, inArray, lt } from 'drizzle-orm'
import { account, passwordToken } from '../schema.ts'
import type { Account } from './account.ts'

export async function insertPasswordToken(
  tx: Tx,
  row: { readonly hash: string; readonly userId: UserId; readonly expiresAt: Date },
): Promise<void> {
  await tx.insert(passwordToken).values(row)
}

/** Whose password a token may change at `now`. */
export async function ownerOfToken(tx: Tx, hash: string, now: Date): Promise<Account | undefined> {
  const [row] = await tx
    .select({ account })
    .from(passwordToken)
    .innerJoin(account, eq(account.id, passwordToken.userId))
    .where(and(eq(passwordToken.hash, hash), gt(passwordToken.expiresAt, now)))
  return row?.account
}

/** Uses a token up. @returns false when somebody else was faster, or it has expired */
export async function takeToken(tx: Tx, hash: string, now: Date): Promise<boolean> {
  const { rowCount } = await tx
    .delete(passwordToken)
    .where(and(eq(passwordToken.hash, hash), gt(passwordToken.expiresAt, now)))
  return rowCount === 1
}

/** Voids every token of an account: its password has changed. */
export async function dropTokensOf(tx: Tx, userId: UserId): Promise<void> {
  await tx.delete(passwordToken).where(eq(passwordToken.userId, userId))
}

/** @returns how many expired tokens were deleted, at most `max` */
export async function deleteExpired(tx: Tx, now: Date, max: number): Promise<number> {
  const expired = tx
    .select({ hash: passwordToken.hash })
    .from(passwordToken)
    .where(lt(passwordToken.expiresAt, now))
    .limit(max)
  const { rowCount } = await tx.delete(passwordToken).where(inArray(passwordToken.hash, expired))
  return rowCount ?? 0
}
