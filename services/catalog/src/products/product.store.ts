import type { CategoryId, ProductId, VariantId } from '@campus/contracts/ids'
import { type Tx, violatedConstraint } from '@campus/platform/data/postgres'
import { and, asc, desc, eq, ilike, inArray, lt, sql } from 'drizzle-orm'
import { category, price, product, variant } from '../schema.ts'
import type { Price, Product, Variant } from './product.ts'

/** A product with its variants and prices, by id or slug. */
export async function findProduct(tx: Tx, key: ProductId | string): Promise<Product | undefined> {
  const [row] = await tx.select().from(product).where(byKey(key))
  return row && withVariants(tx, row)
}

/** The same, locked until the transaction ends. */
export async function lockProduct(tx: Tx, id: ProductId): Promise<Product | undefined> {
  const [row] = await tx.select().from(product).where(eq(product.id, id)).for('update')
  return row && withVariants(tx, row)
}

/** The product that a variant belongs to, locked. */
export async function lockProductOf(tx: Tx, variantId: VariantId): Promise<Product | undefined> {
  const [row] = await tx
    .select({ productId: variant.productId })
    .from(variant)
    .where(eq(variant.id, variantId))
  return row && lockProduct(tx, row.productId)
}

/** A published product in a list; `from` is the lowest price at the moment. */
export interface ShelfRow {
  readonly id: ProductId
  readonly slug: string
  readonly title: string
  readonly kind: 'physical' | 'course'
  readonly categoryId: CategoryId | null
  readonly fromAmount: number | null
  readonly currency: string | null
}

/** Published products, the newest first, from behind `after` on. */
export async function shelf(
  tx: Tx,
  filter: {
    readonly text: string | undefined
    readonly categoryId: CategoryId | undefined
    readonly now: Date
  },
  after: ProductId | undefined,
  max: number,
): Promise<ShelfRow[]> {
  const at = filter.now.toISOString()
  const lowest = sql`(
    select p.amount as amount, p.currency as currency from price p
    join variant v on v.id = p.variant_id
    where v.product_id = ${product.id} and p.valid_from <= ${at}
      and (p.valid_to is null or p.valid_to > ${at})
    order by p.amount limit 1) lowest`
  return tx
    .select({
      id: product.id,
      slug: product.slug,
      title: product.title,
      kind: product.kind,
      categoryId: product.categoryId,
      fromAmount: sql<number | null>`lowest.amount`,
      currency: sql<string | null>`lowest.currency`,
    })
    .from(product)
    .leftJoin(sql`lateral ${lowest}`, sql`true`)
    .where(
      and(
        eq(product.state, 'published'),
        filter.text === undefined ? undefined : ilike(product.title, `%${literal(filter.text)}%`),
        filter.categoryId === undefined
          ? undefined
          : inArray(product.categoryId, below(filter.categoryId)),
        after === undefined ? undefined : lt(product.id, after),
      ),
    )
    .orderBy(desc(product.id))
    .limit(max)
}

/** @returns false when the slug is taken */
export async function insertProduct(
  tx: Tx,
  row: Omit<Product, 'variants' | 'version'> & { readonly now: Date },
): Promise<boolean> {
  const { now, ...columns } = row
  const { rowCount } = await tx
    .insert(product)
    .values({ ...columns, version: 1, createdAt: now, updatedAt: now })
    .onConflictDoNothing()
  return rowCount === 1
}

/** Writes the given columns and raises the version. @returns false when the slug is taken */
export async function updateProduct(
  tx: Tx,
  id: ProductId,
  change: Partial<Pick<Product, 'title' | 'description' | 'slug' | 'categoryId' | 'state'>>,
  now: Date,
): Promise<boolean> {
  try {
    await tx
      .update(product)
      .set({ ...change, version: sql`${product.version} + 1`, updatedAt: now })
      .where(eq(product.id, id))
    return true
  } catch (error) {
    if (violatedConstraint(error) === 'product_slug_key') return false
    throw error
  }
}

/** @returns false when the SKU is taken */
export async function insertVariant(
  tx: Tx,
  productId: ProductId,
  made: Omit<Variant, 'prices'>,
): Promise<boolean> {
  const { rowCount } = await tx
    .insert(variant)
    .values({
      ...made,
      productId,
      position: sql`(select count(*) from variant where product_id = ${productId})`,
    })
    .onConflictDoNothing()
  return rowCount === 1
}

/**
 * Replaces the prices of a variant that have not begun and ends the one that has. Prices that orders
 * were placed at stay, because an order names the price it was placed at.
 *
 * @returns false when two prices overlap
 */
export async function replacePrices(
  tx: Tx,
  variantId: VariantId,
  prices: readonly Price[],
  now: Date,
): Promise<boolean> {
  const at = now.toISOString()
  await tx
    .delete(price)
    .where(and(eq(price.variantId, variantId), sql`${price.validFrom} >= ${at}`))
  await tx.execute(sql`update price set valid_to = ${at}
    where variant_id = ${variantId} and (valid_to is null or valid_to > ${at})`)
  try {
    await tx.insert(price).values(
      prices.map(({ id, price: money, validFrom, validTo }) => ({
        id,
        variantId,
        amount: money.amount,
        currency: money.currency,
        validFrom,
        validTo,
      })),
    )
    return true
  } catch (error) {
    if (violatedConstraint(error) === 'price_no_overlap') return false
    throw error
  }
}

function byKey(key: string) {
  return /^[0-9a-f]{8}-/.test(key) ? sql`${product.id} = ${key}` : eq(product.slug, key)
}

/** LIKE has two wildcards and an escape; in a search they are letters. */
function literal(text: string): string {
  return text.replaceAll(/[%_\\]/g, String.raw`\$&`)
}

/** A category and everything below it. */
function below(id: CategoryId) {
  return sql`(
    with recursive tree as (
      select id from ${category} where id = ${id}
      union select c.id from ${category} c join tree on c.parent_id = tree.id)
    select id from tree)`
}

async function withVariants(tx: Tx, row: typeof product.$inferSelect): Promise<Product> {
  const rows = await tx
    .select()
    .from(variant)
    .leftJoin(price, eq(price.variantId, variant.id))
    .where(eq(variant.productId, row.id))
    .orderBy(asc(variant.position), asc(price.validFrom))
  const variants = new Map<VariantId, Variant & { readonly prices: Price[] }>()
  for (const { variant: own, price: one } of rows) {
    const known = variants.get(own.id) ?? { ...own, prices: [] }
    variants.set(own.id, known)
    if (one === null) continue
    const { id, amount, currency, validFrom, validTo } = one
    known.prices.push({ id, price: { amount, currency }, validFrom, validTo })
  }
  return { ...row, variants: [...variants.values()] }
}

/** Whether there is such a category. */
export async function hasCategory(tx: Tx, id: CategoryId): Promise<boolean> {
  const rows = await tx.select({ id: category.id }).from(category).where(eq(category.id, id))
  return rows.length > 0
}
