import type { UserId } from '@campus/contracts/ids'
import type { Tx } from '@campus/platform/data/postgres'
import { asc, gt, lte } from 'drizzle-orm'
import { account, profileCheck } from '../schema.ts'
import type { Owner } from './published-profile.ts'

/** Claims the comparison of the profiles. @returns false when one has begun after `before` */
export async function claimCheck(tx: Tx, now: Date, before: Date): Promise<boolean> {
  const { rowCount } = await tx
    .update(profileCheck)
    .set({ begunAt: now })
    .where(lte(profileCheck.begunAt, before))
  return rowCount === 1
}

/** Accounts in the order of their ids, from behind `after` on. */
export async function ownersAfter(
  tx: Tx,
  after: UserId | undefined,
  max: number,
): Promise<(Owner & { readonly updatedAt: Date })[]> {
  return tx
    .select({
      id: account.id,
      version: account.version,
      state: account.state,
      updatedAt: account.updatedAt,
    })
    .from(account)
    .where(after === undefined ? undefined : gt(account.id, after))
    .orderBy(asc(account.id))
    .limit(max)
}
