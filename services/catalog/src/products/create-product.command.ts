import { productCreated } from '@campus/contracts/events/catalog'
import type { CategoryId, ProductId } from '@campus/contracts/ids'
import type { Clock } from '@campus/platform/clock'
import type { Postgres } from '@campus/platform/data/postgres'
import { chassis, fail, refuseAll } from '@campus/platform/errors'
import { emit } from '@campus/platform/events/outbox'
import { newId } from '@campus/platform/new-id'
import { refuse } from '../errors.ts'
import { findProduct, hasCategory, insertProduct } from './product.store.ts'
import { type Attributes, isReservedSlug, type Product } from './product.ts'

/**
 * Adds a product as a draft.
 *
 * @throws AppError `catalog.slug_reserved`, `catalog.slug_taken`, `catalog.category_unknown`
 */
export async function createProduct(
  { postgres, clock }: { readonly postgres: Postgres; readonly clock: Clock },
  made: {
    readonly title: string
    readonly description: string
    readonly slug: string
    readonly categoryId: CategoryId | null
    readonly attributes: Attributes
  },
): Promise<Product> {
  refuseAll(isReservedSlug(made.slug) ? [refuse.slug_reserved()] : [])
  return postgres.transaction(async tx => {
    const { categoryId } = made
    if (categoryId !== null && !(await hasCategory(tx, categoryId))) {
      refuseAll([refuse.category_unknown()])
    }
    const id = newId<ProductId>()
    const kind = 'physical' as const
    const row = { id, ...made, kind, sellerId: null, state: 'draft' as const, now: clock.now() }
    const isNew = await insertProduct(tx, row)
    refuseAll(isNew ? [] : [refuse.slug_taken()])
    emit(tx, productCreated.of({ productId: id, kind, title: made.title }))
    return (await findProduct(tx, id)) ?? fail(chassis.notFound())
  })
}
