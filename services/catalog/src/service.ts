import { createChassis } from '@campus/platform/chassis'
import { categoryRoutes } from './categories/category.routes.ts'
import type { Config } from './config.ts'
import { listingRoutes } from './products/listing.routes.ts'
import { productRoutes } from './products/product.routes.ts'
import { rankProductsJob } from './products/rank-products.job.ts'
import { refreshPricesJob } from './products/refresh-prices.job.ts'
import { expireReservationsJob } from './stock/expire-reservations.job.ts'
import { stockConsumer } from './stock/order-requests.consumer.ts'
import { createAskForStock } from './stock/serve-orders.command.ts'
import { stockRoutes } from './stock/stock.routes.ts'
import { openStock, setLowAt } from './stock/stock.store.ts'

/** Composes the catalog service; nothing connects before `start`. */
export function buildService(config: Config) {
  const chassis = createChassis({ service: 'catalog', config })
  const { postgres, clock, cache, app } = chassis
  const cursorSecret = config.CURSOR_SECRET
  const askForStock = createAskForStock({ priceGraceSeconds: config.PRICE_GRACE_SECONDS })

  app.register(listingRoutes({ postgres, cache, cursorSecret }))
  app.register(productRoutes({ postgres, clock, cache, openStock, setLowAt }))
  app.register(categoryRoutes({ postgres, cache }))
  app.register(stockRoutes({ postgres, clock, cursorSecret }))

  return chassis.run({
    consumers: [stockConsumer(askForStock)],
    jobs: [
      expireReservationsJob(postgres, askForStock, config.RESERVATION_SWEEP_MS),
      refreshPricesJob(postgres),
      rankProductsJob(postgres, config.RANK_PERIOD_MS),
    ],
  })
}
