import {
  priceChanged,
  productArchived,
  productPublished,
  variantSaved,
} from '@campus/contracts/events/catalog'
import { defineConsumer, on } from '@campus/platform/events/consumer'
import { savePrice, savePublished, saveVariant } from './assortment.store.ts'

/** Keeps the copy of variants and prices that carts and checkout read. */
export const assortmentConsumer = defineConsumer({
  name: 'orders.assortment',
  kind: 'projection',
  onBootstrap: 'replay',
  handlers: [
    on(variantSaved, async ({ tx, event: { data, version } }) => {
      await saveVariant(tx, {
        variantId: data.variantId,
        productId: data.productId,
        sku: data.sku,
        label: data.label,
        kind: data.kind,
        courseId: data.courseId ?? null,
        sellerId: data.sellerId ?? null,
        sourceVersion: version,
      })
    }),
    on(priceChanged, async ({ tx, event: { data, version } }) => {
      await savePrice(tx, {
        priceId: data.priceId,
        variantId: data.variantId,
        amount: data.new.amount,
        currency: data.new.currency,
        validFrom: new Date(data.validFromAt),
        validTo: data.validToAt === undefined ? null : new Date(data.validToAt),
        sourceVersion: version,
      })
    }),
    on(productPublished, async ({ tx, event: { data, version } }) => {
      await savePublished(tx, data.productId, true, version)
    }),
    on(productArchived, async ({ tx, event: { data, version } }) => {
      await savePublished(tx, data.productId, false, version)
    }),
  ],
})
