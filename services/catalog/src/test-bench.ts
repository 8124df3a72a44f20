// What the tests of the catalog share: a running service, products to sell, and orders for them.
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import {
  type Line,
  orderPlaced,
  orderRefunded,
  stockCommitRequested,
  stockReleaseRequested,
} from '@campus/contracts/events/orders'
import {
  asId,
  type CartId,
  type OrderId,
  type PriceId,
  type ProductId,
  type RefundId,
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

/** The catalog service on real servers, with an admin who offers things. */
export async function openCatalog(t: Cleanup, settings: Record<string, string> = {}) {
  const around = await createTestSurroundings(t, { service: 'catalog', topics })
  const service = buildService(loadConfig(Config, { ...around.env, ...settings }))
  await service.start()
  t.teardown(() => service.stop())
  const { app } = service
  const admin = { ...around.tokens.bearer({ roles: ['admin'] }) }

  /** A busy machine may shed a request: like any client this one tries again, with the same key. */
  async function send(
    method: 'POST' | 'PATCH' | 'PUT' | 'DELETE',
    url: string,
    payload: object,
    more: Record<string, string> = {},
  ) {
    const headers = { ...admin, 'idempotency-key': randomUUID(), ...more }
    return eventually(async () => {
      const response = await app.inject({ method, url, payload, headers })
      assert.notEqual(response.statusCode, 503)
      return response
    })
  }

  /** A published product with one variant. */
  async function offer(units: number, amount = 1_290, product: object = {}) {
    const slug = `mug-${randomUUID()}`
    const made = await send('POST', '/v1/products', { title: 'Campus mug', slug, ...product })
    assert.equal(made.statusCode, 201, made.body)
    const productId = asId<ProductId>(made.json().id)
    const sku = `ITEM-${randomUUID().toUpperCase()}`
    const varied = await send('POST', `/v1/products/${productId}/variants`, { sku, label: 'blue' })
    assert.equal(varied.statusCode, 201, varied.body)
    const variantId = asId<VariantId>(varied.json().variants[0].id)
    const priced = await send('PUT', `/v1/variants/${variantId}/prices`, [{ price: eur(amount) }], {
      'if-match': String(varied.headers['etag']),
    })
    assert.equal(priced.statusCode, 200, priced.body)
    const priceId = asId<PriceId>(priced.json().variants[0].price.id)
    if (units > 0) await stockUp(variantId, units)
    const published = await send('POST', `/v1/products/${productId}/publish`, {})
    assert.equal(published.statusCode, 200, published.body)
    return { productId, slug, variantId, priceId }
  }

  async function stockUp(variantId: VariantId, delta: number) {
    const response = await send('POST', `/v1/stock/${variantId}/adjustments`, {
      delta,
      reason: 'delivery',
    })
    assert.equal(response.statusCode, 201, response.body)
  }

  async function stockOf(variantId: VariantId) {
    const { rows } = await around.postgres.read(tx =>
      tx.execute<{ on_hand: number; reserved: number; moved: number }>(sql`
        select on_hand, reserved, (
          select coalesce(sum(delta), 0) from movement where variant_id = stock.variant_id) as moved
        from stock where variant_id = ${variantId}`),
    )
    const [row] = rows
    assert.equal(row?.on_hand, row?.moved, 'onHand is the sum of its movements')
    return { onHand: row?.on_hand, reserved: row?.reserved }
  }

  /** Types of what was told of an aggregate, the oldest first. */
  async function told(key: string): Promise<string[]> {
    const { rows } = await around.postgres.read(tx =>
      tx.execute<{ type: string }>(sql`
        select type, aggregate_version from outbox where aggregate_key = ${key}
        union all select type, aggregate_version from outbox_archive where aggregate_key = ${key}
        order by aggregate_version`),
    )
    return rows.map(({ type }) => type.split('.')[1] ?? '')
  }

  /** What was answered about an order. */
  const answers = (orderId: OrderId) => told(`reservation:${orderId}`)

  async function answered(orderId: OrderId, count: number) {
    return eventually(async () => {
      const found = await answers(orderId)
      assert.equal(found.length, count)
      return found
    })
  }

  return { ...around, app, admin, send, offer, stockUp, stockOf, told, answers, answered }
}

/** An order of one line, with what becomes of it. */
export function order(
  item: { readonly variantId: VariantId; readonly priceId: PriceId },
  quantity: number,
  holdSeconds = 1_200,
) {
  const orderId = newId<OrderId>()
  const total = eur(1_290 * quantity)
  const line: Line = {
    lineNo: 1,
    variantId: item.variantId,
    priceId: item.priceId,
    kind: 'physical',
    quantity,
    unitPrice: eur(1_290),
    discount: eur(0),
    tax: eur(0),
    total,
  }
  const placed = orderPlaced.of({
    orderId,
    cartId: newId<CartId>(),
    userId: newId<UserId>(),
    lines: [line],
    totals: { goods: total, discount: eur(0), tax: eur(0), shipping: eur(0), total },
    holdSeconds,
  })
  return {
    orderId,
    placed,
    commit: stockCommitRequested.of({ orderId }),
    release: stockReleaseRequested.of({ orderId, reason: 'cancelled_by_customer' }),
    refunded: (restockCount: number) =>
      orderRefunded.of({
        orderId,
        userId: newId<UserId>(),
        refundId: newId<RefundId>(),
        amount: eur(1_290),
        lines: [{ lineNo: 1, quantity: 1, amount: eur(1_290), kind: 'physical', restockCount }],
        cause: 'staff',
      }),
  }
}
