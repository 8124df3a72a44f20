import type { CategoryId, ProductId, VariantId } from '@campus/contracts/ids'
import { type Tx, violatedConstraint } from '@campus/platform/data/postgres'
import { and, asc, eq, sql } from 'drizzle-orm'
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

/** @returns false when the slug is taken */
export async function insertProduct(
  tx: Tx,
  row: Omit<Product, 'variants' | 'version' | 'popularity'> & { readonly now: Date },
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
  change: Partial<
    Pick<Product, 'title' | 'description' | 'slug' | 'categoryId' | 'attributes' | 'state'>
  >,
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

/** @returns false when the SKU is taken */
export async function updateVariant(
  tx: Tx,
  id: VariantId,
  change: Partial<Pick<Variant, 'sku' | 'label'>>,
): Promise<boolean> {
  if (Object.keys(change).length === 0) return true
  try {
    await tx.update(variant).set(change).where(eq(variant.id, id))
    return true
  } catch (error) {
    if (violatedConstraint(error) === 'variant_sku_key') return false
    throw error
  }
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
