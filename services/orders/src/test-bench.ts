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
import {
  intentCreated,
  paymentAuthorized,
  paymentCaptured,
  paymentVoided,
} from '@campus/contracts/events/payments'
import {
  type AnyId,
  asId,
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

  /** Something to buy, as catalog tells of it. */
  async function sell(unitPrice: number) {
    const productId = newId<ProductId>()
    const variantId = newId<VariantId>()
    await around.publish(
      variantSaved.of({
        productId,
        variantId,
        sku: variantId,
        label: 'Campus mug',
        kind: 'physical',
        tracked: true,
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

  /** Types of the events of one order, in the order in which they were emitted. */
  async function emitted(orderId: string): Promise<string[]> {
    const { rows } = await around.postgres.read(tx =>
      tx.execute<{ type: string }>(sql`
        select type, aggregate_version from outbox where aggregate_key = ${`order:${orderId}`}
        union all
        select type, aggregate_version from outbox_archive where aggregate_key = ${`order:${orderId}`}
        order by aggregate_version`),
    )
    return rows.map(({ type }) => type.split('.')[1] ?? '')
  }

  return { ...around, app, sell, cartWith, checkout, orderIn, emitted }
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

/** An order that is confirmed: two mugs, 25.80 EUR. */
export async function confirmed(bench: Bench) {
  const { userId, headers } = buyer(bench)
  const { variantId } = await bench.sell(1_290)
  const placed = await bench.checkout(headers, await bench.cartWith(headers, variantId, 2))
  const orderId = asId<OrderId>(placed.json().id)
  const intentId = newId<IntentId>()
  const ref = { type: 'order' as const, id: asId<AnyId>(orderId) }
  const told = answers(orderId, userId, intentId, 2_580)
  for (const [events, state] of [
    [[told.reserved, told.created], 'awaiting_payment'],
    [[told.authorized], 'committing'],
    [[told.committed], 'capturing'],
    [[told.captured], 'confirmed'],
  ] as const) {
    await bench.publish(...events)
    await bench.orderIn(headers, orderId, state)
  }
  return { orderId, userId, intentId, ref, headers, told }
}
