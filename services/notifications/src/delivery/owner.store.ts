import type { UserId } from '@campus/contracts/ids'
import type { Tx } from '@campus/platform/data/postgres'
import { lt, sql } from 'drizzle-orm'
import { subjectOwner } from '../schema.ts'
import type { Subject } from './subject.ts'

/** Notes whose things are; the first word counts. */
export async function noteOwners(
  tx: Tx,
  owners: readonly (typeof subjectOwner.$inferInsert)[],
): Promise<void> {
  const column = <T>(of: (owner: (typeof owners)[number]) => T) => sql.param(owners.map(of))
  await tx.execute(sql`
    insert into subject_owner (type, id, user_id, created_at)
    select type, id, user_id, created_at from unnest(
      ${column(o => o.type)}::text[], ${column(o => o.id)}::uuid[], ${column(o => o.userId)}::uuid[],
      ${column(o => o.createdAt.toISOString())}::timestamptz[]
    ) with ordinality o(type, id, user_id, created_at, position) order by type, id, position
    on conflict do nothing`)
}

/** The owners of subjects that somebody has told of, by `nameOf`. */
export async function ownersOf(tx: Tx, subjects: readonly Subject[]): Promise<Map<string, UserId>> {
  if (subjects.length === 0) return new Map()
  const rows = await tx
    .select()
    .from(subjectOwner)
    .where(
      sql`(${subjectOwner.type}, ${subjectOwner.id}) in (select * from unnest(
        ${sql.param(subjects.map(({ type }) => type))}::text[],
        ${sql.param(subjects.map(({ id }) => id))}::uuid[]))`,
    )
  return new Map(rows.map(({ type, id, userId }) => [`${type} ${id}`, userId]))
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
