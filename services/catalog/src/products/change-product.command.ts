import {
  productArchived,
  productPublished,
  productUpdated,
  variantSaved,
} from '@campus/contracts/events/catalog'
import type { CategoryId, ProductId, UserId } from '@campus/contracts/ids'
import type { Clock } from '@campus/platform/clock'
import type { Postgres, Tx } from '@campus/platform/data/postgres'
import { chassis, fail, refuseAll } from '@campus/platform/errors'
import { emit } from '@campus/platform/events/outbox'
import { refuse } from '../errors.ts'
import { relist } from './listing.store.ts'
import { findProduct, hasCategory, lockProduct, updateProduct } from './product.store.ts'
import {
  type Attributes,
  isReservedSlug,
  lineTitle,
  type Product,
  requirePublishable,
  type Variant,
} from './product.ts'

export interface ProductDeps {
  readonly postgres: Postgres
  readonly clock: Clock
}

/**
 * Changes what a product says of itself. A new title is told of each variant, because buyers read
 * both together.
 *
 * @throws AppError `request.not_found`, `catalog.slug_reserved`, `catalog.slug_taken`,
 *   `catalog.category_unknown`
 */
export async function changeProduct(
  { postgres, clock }: ProductDeps,
  productId: ProductId,
  change: {
    readonly title?: string
    readonly description?: string
    readonly slug?: string
    readonly categoryId?: CategoryId | null
    readonly attributes?: Attributes
  },
  requireSeen: (product: Product) => void,
): Promise<Product> {
  return postgres.transaction(async tx => {
    const product = await lockProduct(tx, productId)
    if (product === undefined) return fail(chassis.notFound())
    requireSeen(product)
    const { slug = '', categoryId } = change
    refuseAll(isReservedSlug(slug) ? [refuse.slug_reserved()] : [])
    if (categoryId && !(await hasCategory(tx, categoryId))) refuseAll([refuse.category_unknown()])
    const now = clock.now()
    const isFree = await updateProduct(tx, productId, change, now)
    refuseAll(isFree ? [] : [refuse.slug_taken()])
    emit(tx, productUpdated.of({ productId, changed: Object.keys(change) }))
    const { title } = change
    if (title !== undefined) {
      emit(tx, ...product.variants.map(one => savedEvent({ ...product, title }, one)))
    }
    return changed(tx, productId, now)
  })
}

/**
 * Shows a product to buyers; again is no error.
 *
 * @throws AppError `request.not_found`, `catalog.no_variant`, `catalog.no_price`
 */
export async function publishProduct(
  { postgres, clock }: ProductDeps,
  productId: ProductId,
): Promise<Product> {
  return postgres.transaction(async tx => {
    const product = await lockProduct(tx, productId)
    if (product === undefined) return fail(chassis.notFound())
    if (product.state === 'published') return product
    const now = clock.now()
    requirePublishable(product, now)
    await updateProduct(tx, productId, { state: 'published' }, now)
    emit(tx, productPublished.of({ productId }))
    return changed(tx, productId, now)
  })
}

/** Hides a product from buyers; again is no error. @throws AppError `request.not_found` */
export async function archiveProduct(
  { postgres, clock }: ProductDeps,
  productId: ProductId,
  by: UserId,
): Promise<Product> {
  return postgres.transaction(async tx => {
    const product = await lockProduct(tx, productId)
    if (product === undefined) return fail(chassis.notFound())
    if (product.state === 'archived') return product
    const now = clock.now()
    await updateProduct(tx, productId, { state: 'archived' }, now)
    emit(tx, productArchived.of({ productId, by: { type: 'user', id: by } }))
    return changed(tx, productId, now)
  })
}

/** The event that tells of a variant. */
export function savedEvent(
  { id, title, kind, sellerId }: Product,
  variant: Omit<Variant, 'prices'>,
) {
  return variantSaved.of({
    productId: id,
    variantId: variant.id,
    sku: variant.sku,
    label: lineTitle(title, variant.label),
    kind,
    tracked: variant.tracked,
    ...(variant.courseId !== null && { courseId: variant.courseId }),
    ...(sellerId !== null && { sellerId }),
  })
}

/** A product after its change; lists show it from the commit on. */
export async function changed(tx: Tx, id: ProductId, now: Date): Promise<Product> {
  const product = (await findProduct(tx, id)) ?? fail(chassis.notFound())
  await relist(tx, product, now)
  return product
}
