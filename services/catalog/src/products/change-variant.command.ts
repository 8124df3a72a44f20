import { priceChanged } from '@campus/contracts/events/catalog'
import type { PriceId, ProductId, VariantId } from '@campus/contracts/ids'
import type { Money } from '@campus/contracts/money'
import type { Tx } from '@campus/platform/data/postgres'
import { chassis, fail, refuseAll } from '@campus/platform/errors'
import { emit } from '@campus/platform/events/outbox'
import { newId } from '@campus/platform/new-id'
import { refuse } from '../errors.ts'
import { type ProductDeps, savedEvent } from './change-product.command.ts'
import {
  findProduct,
  insertVariant,
  lockProduct,
  lockProductOf,
  replacePrices,
  updateProduct,
} from './product.store.ts'
import { type Product, priceAt, requireOwnPrices } from './product.ts'

export interface VariantDeps extends ProductDeps {
  /** Begins to count the units of a variant. */
  readonly openStock: (tx: Tx, variantId: VariantId) => Promise<void>
}

/**
 * Adds a variant without a price.
 *
 * @throws AppError `request.not_found`, `catalog.sku_taken`, `catalog.product_archived`
 */
export async function addVariant(
  { postgres, clock, openStock }: VariantDeps,
  productId: ProductId,
  made: { readonly sku: string; readonly label: string; readonly tracked: boolean },
): Promise<Product> {
  return postgres.transaction(async tx => {
    const product = await lockProduct(tx, productId)
    if (product === undefined) return fail(chassis.notFound())
    refuseAll(product.state === 'archived' ? [refuse.product_archived()] : [])
    requireOwnPrices(product)
    const variant = { id: newId<VariantId>(), ...made, courseId: null }
    const isNew = await insertVariant(tx, productId, variant)
    refuseAll(isNew ? [] : [refuse.sku_taken()])
    if (made.tracked) await openStock(tx, variant.id)
    await updateProduct(tx, productId, {}, clock.now())
    await emit(tx, savedEvent(product, variant))
    return (await findProduct(tx, productId)) ?? fail(chassis.notFound())
  })
}

/** A price to be set; from now on and without end unless it says otherwise. */
export interface PriceToSet {
  readonly price: Money
  readonly from?: Date | undefined
  readonly to?: Date | undefined
}

/**
 * Sets the prices of a variant from now on; what has been sold keeps its price.
 *
 * @throws AppError `request.not_found`, `catalog.prices_overlap`, `catalog.price_owned_by_courses`
 */
export async function setPrices(
  { postgres, clock }: ProductDeps,
  variantId: VariantId,
  wanted: readonly PriceToSet[],
  requireSeen: (product: Product) => void,
): Promise<Product> {
  return postgres.transaction(async tx => {
    const now = clock.now()
    const product = await lockProductOf(tx, variantId)
    if (product === undefined) return fail(chassis.notFound())
    requireSeen(product)
    requireOwnPrices(product)
    const before = product.variants.find(({ id }) => id === variantId)
    const old = before && priceAt(before, now)?.price
    const prices = wanted.map(({ price, from, to }) => ({
      id: newId<PriceId>(),
      price,
      // A price cannot begin in the past: it would change what was shown.
      validFrom: from === undefined || from < now ? now : from,
      validTo: to ?? null,
    }))
    const isFree = await replacePrices(tx, variantId, prices, now)
    refuseAll(isFree ? [] : [refuse.prices_overlap()])
    await updateProduct(tx, product.id, {}, now)
    await emit(
      tx,
      ...prices.map(({ id, price, validFrom, validTo }) =>
        priceChanged.of({
          productId: product.id,
          variantId,
          priceId: id,
          ...(old !== undefined && { old }),
          new: price,
          validFromAt: validFrom.toISOString(),
          ...(validTo !== null && { validToAt: validTo.toISOString() }),
        }),
      ),
    )
    return (await findProduct(tx, product.id)) ?? fail(chassis.notFound())
  })
}
