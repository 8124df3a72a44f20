import type { Postgres } from '@campus/platform/data/postgres'
import { defineJob } from '@campus/platform/process/jobs'
import { lockPricesChanged, relist } from './listing.store.ts'
import { findProduct } from './product.store.ts'

const periodMs = 5_000
const productsMax = 100

/** Prices begin and end by themselves: lists show the new one some seconds later. */
export function refreshPricesJob(postgres: Postgres) {
  return defineJob({
    name: 'catalog.refresh-prices',
    periodMs,
    run: ({ now }) =>
      postgres.transaction(async tx => {
        const ids = await lockPricesChanged(tx, now, productsMax)
        for (const id of ids) {
          const product = await findProduct(tx, id)
          if (product !== undefined) await relist(tx, product, now)
        }
        return ids.length === productsMax
      }),
  })
}
