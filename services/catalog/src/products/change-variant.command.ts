import { priceChanged } from '@campus/contracts/events/catalog'
import type { PriceId, ProductId, VariantId } from '@campus/contracts/ids'
import type { Money } from '@campus/contracts/money'
import type { Tx } from '@campus/platform/data/postgres'
import { chassis, fail, refuseAll } from '@campus/platform/errors'
import { emit } from '@campus/platform/events/outbox'
import { newId } from '@campus/platform/new-id'
import { refuse } from '../errors.ts'
import { changed, type ProductDeps, savedEvent } from './change-product.command.ts'
import {
  insertVariant,
  lockProduct,
  lockProductOf,
  replacePrices,
  updateProduct,
  updateVariant,
} from './product.store.ts'
import { type Product, priceAt, requireOwnPrices, type Variant } from './product.ts'

export interface VariantDeps extends ProductDeps {
  /** Begins to count the units of a variant. */
  readonly openStock: (tx: Tx, variantId: VariantId) => Promise<void>
  /** From how many available units on a variant is low on stock; null for never. */
  readonly setLowAt: (tx: Tx, variantId: VariantId, units: number | null) => Promise<void>
}

type VariantChange = Partial<Pick<Variant, 'sku' | 'label'>> & {
  readonly lowStockAt?: number | null
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
    const now = clock.now()
    await updateProduct(tx, productId, {}, now)
    emit(tx, savedEvent(product, variant))
    return changed(tx, productId, now)
  })
}

/**
 * Changes what a variant is called, or below how many units somebody wants to know.
 *
 * @throws AppError `request.not_found`, `catalog.sku_taken`, `catalog.not_tracked`
 */
export async function changeVariant(
  { postgres, clock, setLowAt }: VariantDeps,
  variantId: VariantId,
  { lowStockAt, ...change }: VariantChange,
  requireSeen: (product: Product) => void,
): Promise<Product> {
  return postgres.transaction(async tx => {
    const now = clock.now()
    const product = await lockProductOf(tx, variantId)
    const variant = product?.variants.find(({ id }) => id === variantId)
    if (product === undefined || variant === undefined) return fail(chassis.notFound())
    requireSeen(product)
    if (lowStockAt !== undefined) {
      refuseAll(variant.tracked ? [] : [refuse.not_tracked()])
      await setLowAt(tx, variantId, lowStockAt)
    }
    const isFree = await updateVariant(tx, variantId, change)
    refuseAll(isFree ? [] : [refuse.sku_taken()])
    await updateProduct(tx, product.id, {}, now)
    emit(tx, savedEvent(product, { ...variant, ...change }))
    return changed(tx, product.id, now)
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
 * @throws AppError `request.not_found`, `catalog.price_owned_by_courses`, `catalog.price_period_empty`,
 *   `catalog.prices_overlap`
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
    const isEmpty = prices.some(
      ({ validFrom, validTo }) => validTo !== null && validTo <= validFrom,
    )
    refuseAll(isEmpty ? [refuse.price_period_empty()] : [])
    const isFree = await replacePrices(tx, variantId, prices, now)
    refuseAll(isFree ? [] : [refuse.prices_overlap()])
    await updateProduct(tx, product.id, {}, now)
    emit(
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
    return changed(tx, product.id, now)
  })
}
