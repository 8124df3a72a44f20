import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import {
  priceChanged,
  productPublished,
  stockCommitted,
  stockReleased,
  stockReserved,
  variantSaved,
} from '@campus/contracts/events/catalog'
import { enrollmentActivated } from '@campus/contracts/events/courses'
import {
  intentCreated,
  paymentAuthorized,
  paymentCaptured,
  paymentVoided,
} from '@campus/contracts/events/payments'
import {
  type AnyId,
  asId,
  type CourseId,
  type EnrollmentId,
  type IntentId,
  type OrderId,
  type PriceId,
  type ProductId,
  type ReservationId,
  type UserId,
  type VariantId,
} from '@campus/contracts/ids'
import { topics } from '@campus/contracts/topics'
import { newId } from '@campus/platform/new-id'
import { loadConfig } from '@campus/platform/process/config'
import type { Cleanup } from '@campus/platform/testing/cleanup'
import { eventually } from '@campus/platform/testing/eventually'
import { createTestSurroundings } from '@campus/platform/testing/service'
import { sql } from 'drizzle-orm'
import { Config } from './config.ts'
import { buildService } from './service.ts'

export const eur = (amount: number) => ({ amount, currency: 'EUR' })

/** The service with everything around it, and what its tests do most. */
export async function open(t: Cleanup, settings: Record<string, string> = {}) {
  const around = await createTestSurroundings(t, { service: 'orders', topics })
  const config = loadConfig(Config, { ...around.env, TIMER_PERIOD_MS: '100', ...settings })
  const service = buildService(config)
  await service.start()
  t.teardown(() => service.stop())
  const { app } = service
  const admin = { ...around.tokens.bearer({ roles: ['admin'] }) }

  /**
   * Does something once, as staff unless the headers say otherwise. A busy machine may shed a request:
   * like any client this one tries again, with the same key.
   */
  const post = (url: string, payload: object, headers: Record<string, string> = admin) => {
    const keyed = { 'idempotency-key': randomUUID(), ...headers }
    return eventually(async () => {
      const response = await app.inject({ method: 'POST', url, payload, headers: keyed })
      assert.notEqual(response.statusCode, 503)
      return response
    })
  }
  const see = async (orderId: string) =>
    (await app.inject({ url: `/v1/sagas/${orderId}`, headers: admin })).json()

  /** The same service once more, for what several of them do to each other. */
  async function replica(more: Record<string, string> = {}) {
    const other = buildService(
      loadConfig(Config, { ...around.env, TIMER_PERIOD_MS: '100', ...settings, ...more }),
    )
    await other.start()
    t.teardown(() => other.stop())
    return { app: other.app, url: urlOf(other.app), stop: () => other.stop() }
  }

  /** Something to buy, as catalog tells of it. */
  async function sell(unitPrice: number, kind: 'physical' | 'course' = 'physical') {
    const productId = newId<ProductId>()
    const variantId = newId<VariantId>()
    await around.publish(
      variantSaved.of({
        productId,
        variantId,
        sku: variantId,
        label: 'Campus mug',
        kind,
        tracked: kind === 'physical',
        ...(kind === 'course' && { courseId: asId<CourseId>(productId) }),
      }),
      priceChanged.of({
        productId,
        variantId,
        priceId: newId<PriceId>(),
        new: eur(unitPrice),
        validFromAt: '2026-01-01T00:00:00.000Z',
      }),
      productPublished.of({ productId }),
    )
    await eventually(async () => {
      const { rows } = await around.postgres.read(tx =>
        tx.execute(sql`select from product where product_id = ${productId}`),
      )
      assert.equal(rows.length, 1)
    })
    return { productId, variantId }
  }

  async function cartWith(headers: Record<string, string>, variantId: VariantId, quantity: number) {
    const made = await app.inject({ method: 'POST', url: '/v1/carts', headers })
    const { id, token } = made.json()
    const access = token === undefined ? headers : { ...headers, 'x-cart-token': token }
    const filled = await app.inject({
      method: 'PUT',
      url: `/v1/carts/${id}/items/${variantId}`,
      headers: access,
      payload: { quantity },
    })
    assert.equal(filled.statusCode, 200, filled.body)
    return { id, token, etag: String(filled.headers['etag']), total: filled.json().total }
  }

  /** Puts a coupon into a cart. */
  async function couponIn(
    headers: Record<string, string>,
    cart: { id: string; token?: string },
    code: string,
  ) {
    const put = await app.inject({
      method: 'PUT',
      url: `/v1/carts/${cart.id}/coupons/${code}`,
      headers: cart.token === undefined ? headers : { ...headers, 'x-cart-token': cart.token },
    })
    assert.equal(put.statusCode, 200, put.body)
    return { ...cart, etag: String(put.headers['etag']), total: put.json().total }
  }

  async function checkout(
    headers: Record<string, string>,
    cart: { id: string; etag: string; total: object },
    key: string = randomUUID(),
  ) {
    return app.inject({
      method: 'POST',
      url: `/v1/carts/${cart.id}/checkout`,
      headers: { ...headers, 'if-match': cart.etag, 'idempotency-key': key },
      payload: { expectedTotal: cart.total },
    })
  }

  async function orderIn(headers: Record<string, string>, orderId: string, state: string) {
    return eventually(async () => {
      const response = await app.inject({ url: `/v1/orders/${orderId}`, headers })
      assert.equal(response.json().state, state)
      return response.json()
    })
  }

  /** The events of one order, in the order in which they were emitted. */
  async function events(orderId: string) {
    const { rows } = await around.postgres.read(tx =>
      tx.execute<{ type: string; payload: Record<string, unknown> }>(sql`
        select type, payload, aggregate_version from outbox
        where aggregate_key = ${`order:${orderId}`}
        union all
        select type, payload, aggregate_version from outbox_archive
        where aggregate_key = ${`order:${orderId}`}
        order by aggregate_version`),
    )
    return rows.map(({ type, payload }) => ({ type: type.split('.')[1] ?? '', payload }))
  }

  /** Their types. */
  const emitted = async (orderId: string): Promise<string[]> =>
    (await events(orderId)).map(({ type }) => type)

  const url = urlOf(app)
  const own = { app, url, admin, replica, post, see, sell, cartWith, couponIn, checkout, orderIn }
  return { ...around, ...own, events, emitted }
}

function urlOf({ server }: ReturnType<typeof buildService>['app']): string {
  const address = server.address()
  return `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`
}

/** Somebody who buys. */
export function buyer(bench: Awaited<ReturnType<typeof open>>) {
  const userId = newId<UserId>()
  return { userId, headers: { ...bench.tokens.bearer({ userId }) } }
}

/** What catalog and payments answer when everything goes well. */
export function answers(orderId: OrderId, userId: UserId, intentId: IntentId, amount: number) {
  const reservationId = newId<ReservationId>()
  const ref = { type: 'order' as const, id: asId<AnyId>(orderId) }
  const at = new Date().toISOString()
  return {
    reserved: stockReserved.of({ orderId, reservationId, lines: [], expiresAt: at }),
    created: intentCreated.of({ intentId, ref, userId, amount: eur(amount), expiresAt: at }),
    authorized: paymentAuthorized.of({ intentId, ref, amount: eur(amount) }),
    committed: stockCommitted.of({ orderId, reservationId }),
    captured: paymentCaptured.of({ intentId, ref, amount: eur(amount), capturedAt: at }),
    released: stockReleased.of({ orderId, outcome: 'released' }),
    voided: paymentVoided.of({ intentId, ref, outcome: 'voided', cause: 'requested' }),
  }
}

type Bench = Awaited<ReturnType<typeof open>>

/** What is bought, all of it in one line. */
interface Purchase {
  readonly unitPrice?: number
  readonly quantity?: number
  readonly kind?: 'physical' | 'course'
  readonly coupon?: string
}

/** An order that is confirmed; when nothing else is said, of two mugs for 25.80 EUR. */
export async function confirmed(
  bench: Bench,
  { unitPrice = 1_290, quantity = 2, kind = 'physical', coupon }: Purchase = {},
) {
  const { userId, headers } = buyer(bench)
  const { variantId, productId } = await bench.sell(unitPrice, kind)
  const filled = await bench.cartWith(headers, variantId, quantity)
  const cart = coupon === undefined ? filled : await bench.couponIn(headers, filled, coupon)
  const placed = await bench.checkout(headers, cart)
  const orderId = asId<OrderId>(placed.json().id)
  const intentId = newId<IntentId>()
  const ref = { type: 'order' as const, id: asId<AnyId>(orderId) }
  const told = answers(orderId, userId, intentId, cart.total.amount)
  const isFree = cart.total.amount === 0
  for (const [events, state] of isFree
    ? ([
        [[told.reserved], 'committing'],
        [[told.committed], 'confirmed'],
      ] as const)
    : ([
        [[told.reserved, told.created], 'awaiting_payment'],
        [[told.authorized], 'committing'],
        [[told.committed], 'capturing'],
        [[told.captured], 'confirmed'],
      ] as const)) {
    await bench.publish(...events)
    await bench.orderIn(headers, orderId, state)
  }
  return { orderId, userId, intentId, ref, headers, told, variantId, productId }
}

/** The same, and its units have arrived. */
export async function delivered(bench: Bench, what: Purchase = {}) {
  const made = await confirmed(bench, what)
  const { orderId, userId, headers, productId } = made
  if (what.kind === 'course') {
    const courseId = asId<CourseId>(productId)
    const enrollmentId = newId<EnrollmentId>()
    const source = { type: 'order' as const, orderId, lineNo: 1 }
    await bench.publish(
      enrollmentActivated.of({ enrollmentId, userId, courseId, version: 1, source }),
    )
  } else {
    const lines = [{ lineNo: 1, quantity: what.quantity ?? 2 }]
    const parcel = await bench.post(`/v1/orders/${orderId}/fulfillments`, { lines })
    await bench.post(`/v1/fulfillments/${parcel.json().id}/deliver`, {})
  }
  await bench.orderIn(headers, orderId, 'completed')
  return made
}
