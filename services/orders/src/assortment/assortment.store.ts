import type { ProductId, VariantId } from '@campus/contracts/ids'
import type { Tx } from '@campus/platform/data/postgres'
import { and, desc, eq, gt, inArray, isNull, lt, lte, or } from 'drizzle-orm'
import { price, product, variant } from '../schema.ts'
import type { Offer, Offers } from './offer.ts'

/**
 * What the variants cost at `now`. Unknown, unpublished and unpriced ones are left out. Of several
 * valid prices the one that began last counts.
 */
export async function offersOf(
  tx: Tx,
  variantIds: readonly VariantId[],
  now: Date,
): Promise<Offers> {
  if (variantIds.length === 0) return new Map()
  const rows = await tx
    .selectDistinctOn([variant.variantId], {
      variantId: variant.variantId,
      priceId: price.priceId,
      title: variant.label,
      kind: variant.kind,
      courseId: variant.courseId,
      sellerId: variant.sellerId,
      amount: price.amount,
      currency: price.currency,
    })
    .from(variant)
    .innerJoin(product, and(eq(product.productId, variant.productId), product.isPublished))
    .innerJoin(price, eq(price.variantId, variant.variantId))
    .where(
      and(
        inArray(variant.variantId, [...variantIds]),
        lte(price.validFrom, now),
        or(isNull(price.validTo), gt(price.validTo, now)),
      ),
    )
    .orderBy(variant.variantId, desc(price.validFrom), desc(price.sourceVersion))
  return new Map(
    rows.map(({ amount, currency, ...offer }): [VariantId, Offer] => [
      offer.variantId,
      { ...offer, unitPrice: { amount, currency } },
    ]),
  )
}

/** Whether catalog has ever told of this variant. */
export async function isKnownVariant(tx: Tx, variantId: VariantId): Promise<boolean> {
  const rows = await tx
    .select({ id: variant.variantId })
    .from(variant)
    .where(eq(variant.variantId, variantId))
  return rows.length > 0
}

/** Saves what a newer event says; an older one changes nothing. */
export async function saveVariant(tx: Tx, row: typeof variant.$inferInsert): Promise<void> {
  await tx
    .insert(variant)
    .values(row)
    .onConflictDoUpdate({
      target: variant.variantId,
      set: row,
      setWhere: lt(variant.sourceVersion, row.sourceVersion),
    })
}

/** @see saveVariant */
export async function savePrice(tx: Tx, row: typeof price.$inferInsert): Promise<void> {
  await tx
    .insert(price)
    .values(row)
    .onConflictDoUpdate({
      target: price.priceId,
      set: row,
      setWhere: lt(price.sourceVersion, row.sourceVersion),
    })
}

/** @see saveVariant */
export async function savePublished(
  tx: Tx,
  productId: ProductId,
  isPublished: boolean,
  sourceVersion: number,
): Promise<void> {
  const row = { productId, isPublished, sourceVersion }
  await tx
    .insert(product)
    .values(row)
    .onConflictDoUpdate({
      target: product.productId,
      set: row,
      setWhere: lt(product.sourceVersion, sourceVersion),
    })
}
