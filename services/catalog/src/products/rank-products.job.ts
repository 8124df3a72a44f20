import type { ProductId } from '@campus/contracts/ids'
import type { Postgres } from '@campus/platform/data/postgres'
import { defineJob } from '@campus/platform/process/jobs'
import { addPopularity } from './listing.store.ts'
import { weightOf } from './popularity.ts'
import { claimSales } from './sales.store.ts'

const salesMax = 500

/** Counts what was sold since the last run, each sale once. */
export function rankProductsJob(postgres: Postgres, periodMs: number) {
  return defineJob({
    name: 'catalog.rank-products',
    periodMs,
    run: () =>
      postgres.transaction(async tx => {
        const sales = await claimSales(tx, salesMax)
        const weights = new Map<ProductId, number>()
        for (const { productId, quantity, at } of sales) {
          weights.set(productId, (weights.get(productId) ?? 0) + quantity * weightOf(at))
        }
        await addPopularity(tx, weights)
        // Lines of orders: a full batch has at least as many.
        return sales.length >= salesMax
      }),
  })
}
