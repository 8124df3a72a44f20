import type { OrderId } from '@campus/contracts/ids'
import { createChassis } from '@campus/platform/chassis'
import { defineConsumer } from '@campus/platform/events/consumer'
import { addressConsumer } from './addresses/address-changed.consumer.ts'
import { isOwnAddress } from './addresses/known-address.store.ts'
import { isKnownVariant, offersOf } from './assortment/assortment.store.ts'
import { assortmentConsumer } from './assortment/catalog-changed.consumer.ts'
import { cartRoutes } from './cart/cart.routes.ts'
import { closeCart, lockCart } from './cart/cart.store.ts'
import type { CartDeps } from './cart/change-cart.command.ts'
import { couponRoutes } from './cart/coupon.routes.ts'
import { priceCart } from './cart/price-cart.command.ts'
import {
  advanceLocked,
  askAgainLocked,
  changeOrder,
  createTell,
  noteLocked,
  onOrderChanged,
  type SagaDeps,
} from './checkout/advance-order.command.ts'
import { checkoutRoutes } from './checkout/checkout.routes.ts'
import { countStuckJob } from './checkout/count-stuck.job.ts'
import { enrollmentOutcomeHandlers } from './checkout/enrollment-outcome.consumer.ts'
import { fireTimersJob } from './checkout/fire-timers.job.ts'
import { historyRoutes } from './checkout/history.routes.ts'
import { countByState, findOrder, linesOf, lockOrder, versionsOf } from './checkout/order.store.ts'
import { mayHaveReturns, type Order } from './checkout/order.ts'
import { viewOf } from './checkout/order-view.ts'
import { paymentOutcomeHandlers } from './checkout/payment-outcome.consumer.ts'
import type { Carts } from './checkout/place-order.command.ts'
import type { Timing } from './checkout/saga-state.ts'
import { stockOutcomeHandlers } from './checkout/stock-outcome.consumer.ts'
import { timelineRoutes } from './checkout/timeline.routes.ts'
import type { Config } from './config.ts'
import { fulfillmentRoutes } from './fulfillments/fulfillment.routes.ts'
import type { FulfillmentDeps } from './fulfillments/ship-lines.command.ts'
import { promotionRoutes } from './promotions/promotion.routes.ts'
import { findCoupon, lockCoupon, returnRedemption } from './promotions/promotion.store.ts'
import { redeemCoupon } from './promotions/redeem-coupon.command.ts'
import { refundRoutes } from './refunds/refund.routes.ts'
import { decideReturnRoutes } from './returns/decide-return.routes.ts'
import type { ReturnDeps } from './returns/lock-return.command.ts'
import { returnRoutes } from './returns/return.routes.ts'
import { closeReturn, returnsOfOrder } from './returns/return.store.ts'
import { sagaRoutes } from './sagas/saga.routes.ts'
import { createSeats } from './stream/seats.ts'
import { streamRoutes } from './stream/stream.routes.ts'
import { watchOrdersJob } from './stream/watch-orders.job.ts'

/** Composes the orders service; nothing connects before `start`. */
export function buildService(config: Config) {
  const chassis = createChassis({
    service: 'orders',
    config,
    rateLimits: {
      checkout: { max: 30, windowSeconds: 60, by: 'user' },
      // Codes can be guessed.
      coupon: { max: 30, windowSeconds: 60, by: 'user' },
    },
  })
  const { postgres, clock, metrics, app, isRevoked } = chassis
  const cursorSecret = config.CURSOR_SECRET
  const saga: SagaDeps = {
    timing: timingOf(config),
    closeReturn,
    returnCoupon: returnRedemption,
    ignored: metrics.counter('saga_ignored_total', 'Happenings that a saga did not expect.', [
      'state',
      'event',
    ]),
  }

  const tell = createTell(saga)

  metrics.gauge('orders_waiting', 'Orders that have not ended.', ['state'], async gauge => {
    gauge.reset()
    for (const { state, count } of await postgres.read(countByState)) gauge.set({ state }, count)
  })

  const stuck = metrics.gauge('orders_stuck', 'Orders that somebody should look at.')
  const seats = createSeats({ perUserMax: config.STREAMS_PER_USER_MAX, max: config.STREAMS_MAX })
  metrics.gauge('orders_streams', 'Event streams that are open.', [], gauge =>
    gauge.set(seats.size),
  )
  const loadOrder = async (orderId: OrderId) => postgres.read(tx => findOrder(tx, orderId))
  const show = async (order: Order) =>
    postgres.read(async tx =>
      viewOf(
        order,
        await linesOf(tx, order),
        mayHaveReturns(order) ? await returnsOfOrder(tx, order.id) : [],
      ),
    )

  const cartDeps: CartDeps = { postgres, clock, offersOf, isKnownVariant, couponOf: findCoupon }
  app.register(cartRoutes(cartDeps))
  app.register(couponRoutes(cartDeps))
  app.register(promotionRoutes({ postgres, clock, cursorSecret }))
  const { HOLD_SECONDS: holdSeconds } = config
  app.register(
    checkoutRoutes({
      postgres,
      clock,
      saga,
      holdSeconds,
      carts,
      isOwnAddress,
      redeem: redeemCoupon,
    }),
  )
  const staff: FulfillmentDeps = {
    postgres,
    clock,
    changeOrder: (tx, orderId, decide, now) => changeOrder(tx, saga, orderId, decide, now),
  }
  app.register(fulfillmentRoutes(staff))
  app.register(
    refundRoutes({
      ...staff,
      onOrderChanged,
      refundsOf: async orderId => (await loadOrder(orderId))?.saga.refunds ?? [],
    }),
  )
  const returns: ReturnDeps = {
    postgres,
    clock,
    windowDays: config.RETURN_WINDOW_DAYS,
    orders: {
      lock: lockOrder,
      linesOf,
      note: noteLocked,
      tell: (tx, order, happening, now) => advanceLocked(tx, saga, order, happening, now),
    },
  }
  app.register(returnRoutes({ ...returns, cursorSecret, findOrder: loadOrder }))
  app.register(decideReturnRoutes(returns))
  app.register(
    sagaRoutes({
      ...staff,
      cursorSecret,
      async askAgain(tx, orderId, now) {
        const order = await lockOrder(tx, orderId)
        if (order === undefined) return 'unknown'
        return (await askAgainLocked(tx, saga, order, now)) ? 'asked' : 'nothing_to_ask'
      },
    }),
  )
  app.register(historyRoutes({ postgres, cursorSecret, show }))
  app.register(timelineRoutes({ postgres, cursorSecret }))
  app.register(
    streamRoutes({
      clock,
      seats,
      heartbeatMs: config.STREAM_HEARTBEAT_SECONDS * 1_000,
      findOrder: loadOrder,
      show,
      onOrderChanged,
    }),
  )

  return chassis.run({
    consumers: [
      assortmentConsumer,
      addressConsumer,
      defineConsumer({
        name: 'orders.checkout',
        kind: 'process',
        onBootstrap: 'replay',
        handlers: [
          ...stockOutcomeHandlers(tell),
          ...paymentOutcomeHandlers(tell),
          ...enrollmentOutcomeHandlers(tell),
        ],
      }),
    ],
    jobs: [
      fireTimersJob({ postgres, saga }, config.TIMER_PERIOD_MS),
      countStuckJob(postgres, stuck),
      watchOrdersJob(
        {
          seats,
          isRevoked,
          versionsOf: async ids => postgres.read(tx => versionsOf(tx, ids)),
        },
        config.STREAM_LOOK_MS,
      ),
    ],
  })
}

const carts: Carts = {
  async lockPriced(tx, { cartId, userId, now }) {
    const cart = await lockCart(tx, cartId, { userId, tokenHash: null })
    if (cart === undefined) return undefined
    return { cart, ...(await priceCart(tx, { offersOf, couponOf: lockCoupon }, cart, now)) }
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
    courseSeconds: config.COURSE_TIMEOUT_SECONDS,
    courseGiveUpSeconds: config.COURSE_GIVE_UP_SECONDS,
    deliverySeconds: config.DELIVERY_TIMEOUT_SECONDS,
    refundSeconds: config.REFUND_TIMEOUT_SECONDS,
  }
}
