import type { CategoryId } from '@campus/contracts/ids'
import { sqlState, type Tx } from '@campus/platform/data/postgres'
import { asc, eq, sql } from 'drizzle-orm'
import { category } from '../schema.ts'
import type { Category } from './category.ts'

/** A tree that people maintain by hand: all of it is read at once. */
const categoriesMax = 5_000

/** Every category. */
export async function allCategories(tx: Tx): Promise<Category[]> {
  return tx
    .select({
      id: category.id,
      parentId: category.parentId,
      name: category.name,
      slug: category.slug,
      position: category.position,
    })
    .from(category)
    .orderBy(asc(category.id))
    .limit(categoriesMax)
}

/** One change of the tree at a time: a circle is seen only by whoever sees the whole. */
export async function lockTree(tx: Tx): Promise<void> {
  await tx.execute(sql`lock table category in share row exclusive mode`)
}

/** @returns false when the slug is taken */
export async function insertCategory(tx: Tx, row: Category): Promise<boolean> {
  const { rowCount } = await tx
    .insert(category)
    .values({ ...row, version: 1 })
    .onConflictDoNothing()
  return rowCount === 1
}

/** @returns whether there is such a category */
export async function updateCategory(
  tx: Tx,
  id: CategoryId,
  change: Partial<Omit<Category, 'id'>>,
): Promise<boolean> {
  const { rowCount } = await tx
    .update(category)
    .set({ ...change, version: sql`${category.version} + 1` })
    .where(eq(category.id, id))
  return rowCount === 1
}

/** @returns `in_use` while products or other categories refer to it */
export async function deleteCategory(
  tx: Tx,
  id: CategoryId,
): Promise<'deleted' | 'unknown' | 'in_use'> {
  try {
    const { rowCount } = await tx.delete(category).where(eq(category.id, id))
    return rowCount === 1 ? 'deleted' : 'unknown'
  } catch (error) {
    if (sqlState(error) === '23503') return 'in_use'
    throw error
  }
}
