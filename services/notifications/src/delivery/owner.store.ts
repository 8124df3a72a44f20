import type { UserId } from '@campus/contracts/ids'
import type { Tx } from '@campus/platform/data/postgres'
import { and, eq, lt, sql } from 'drizzle-orm'
import { subjectOwner } from '../schema.ts'
import type { Subject } from './subject.ts'

/** Notes whose `subject` is; the first word counts. */
export async function noteOwner(
  tx: Tx,
  { type, id }: Subject,
  { userId, now }: { readonly userId: UserId; readonly now: Date },
): Promise<void> {
  await tx.insert(subjectOwner).values({ type, id, userId, createdAt: now }).onConflictDoNothing()
}

/** Undefined for a subject that nobody has told of. */
export async function ownerOf(tx: Tx, { type, id }: Subject): Promise<UserId | undefined> {
  const [row] = await tx
    .select({ userId: subjectOwner.userId })
    .from(subjectOwner)
    .where(and(eq(subjectOwner.type, type), eq(subjectOwner.id, id)))
  return row?.userId
}

/** Forgets the owners noted before `before`. @returns how many, at most `max` */
export async function deleteOwners(tx: Tx, before: Date, max: number): Promise<number> {
  const old = tx
    .select({ type: subjectOwner.type, id: subjectOwner.id })
    .from(subjectOwner)
    .where(lt(subjectOwner.createdAt, before))
    .limit(max)
    .for('update', { skipLocked: true })
  const { rowCount } = await tx
    .delete(subjectOwner)
    .where(sql`(${subjectOwner.type}, ${subjectOwner.id}) in ${old}`)
  return rowCount ?? 0
}
