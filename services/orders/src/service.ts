import { createChassis } from '@campus/platform/chassis'
import { defineConsumer } from '@campus/platform/events/consumer'
import { isKnownVariant, offersOf } from './assortment/assortment.store.ts'
import { assortmentConsumer } from './assortment/catalog-changed.consumer.ts'
import { cartRoutes } from './cart/cart.routes.ts'
import { closeCart, lockCart } from './cart/cart.store.ts'
import { priced } from './cart/cart.ts'
import { checkoutRoutes } from './checkout/checkout.routes.ts'
import { fireTimersJob } from './checkout/fire-timers.job.ts'
import { historyRoutes } from './checkout/history.routes.ts'
import { countByState } from './checkout/order.store.ts'
import { paymentOutcomeHandlers } from './checkout/payment-outcome.consumer.ts'
import type { Carts } from './checkout/place-order.command.ts'
import type { Timing } from './checkout/saga.ts'
import { stockOutcomeHandlers } from './checkout/stock-outcome.consumer.ts'
import type { Config } from './config.ts'

/** Composes the orders service; nothing connects before `start`. */
export function buildService(config: Config) {
  const chassis = createChassis({
    service: 'orders',
    config,
    rateLimits: { checkout: { max: 30, windowSeconds: 60, by: 'user' } },
  })
  const { postgres, clock, metrics, app } = chassis
  const saga = {
    timing: timingOf(config),
    ignored: metrics.counter('saga_ignored_total', 'Happenings that a saga did not expect.', [
      'state',
      'event',
    ]),
  }

  metrics.gauge('orders_waiting', 'Orders that have not ended.', ['state'], async gauge => {
    gauge.reset()
    for (const { state, count } of await postgres.read(countByState)) gauge.set({ state }, count)
  })

  app.register(cartRoutes({ postgres, clock, offersOf, isKnownVariant }))
  app.register(checkoutRoutes({ postgres, clock, saga, holdSeconds: config.HOLD_SECONDS, carts }))
  app.register(historyRoutes({ postgres, cursorSecret: config.CURSOR_SECRET }))

  return chassis.run({
    consumers: [
      assortmentConsumer,
      defineConsumer({
        name: 'orders.checkout',
        kind: 'process',
        onBootstrap: 'replay',
        // Catalog and payments both answer about one order, each in partitions of its own.
        eachAlone: true,
        handlers: [...stockOutcomeHandlers(saga), ...paymentOutcomeHandlers(saga)],
      }),
    ],
    jobs: [fireTimersJob({ postgres, saga }, config.TIMER_PERIOD_MS)],
  })
}

const carts: Carts = {
  async lockPriced(tx, { cartId, userId, now }) {
    const cart = await lockCart(tx, cartId, { userId, tokenHash: null })
    if (cart === undefined) return undefined
    const ids = cart.lines.map(line => line.variantId)
    return { cart, lines: priced(cart.lines, await offersOf(tx, ids, now)) }
  },
  close: (tx, cart, now) => closeCart(tx, cart, 'checked_out', now),
}

function timingOf(config: Config): Timing {
  return {
    reserveSeconds: config.RESERVE_TIMEOUT_SECONDS,
    paymentSeconds: config.PAYMENT_TIMEOUT_SECONDS,
    commitSeconds: config.STEP_TIMEOUT_SECONDS,
    captureSeconds: config.STEP_TIMEOUT_SECONDS,
    captureGiveUpSeconds: config.CAPTURE_GIVE_UP_SECONDS,
    cancelSeconds: config.STEP_TIMEOUT_SECONDS,
  }
}
