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
  type RefundId,
  type UserId,
  type VariantId,
} from '@campus/contracts/ids'
import { topics } from '@campus/contracts/topics'
import { newId } from '@campus/platform/new-id'
import { loadConfig } from '@campus/platform/process/config'
import type { Cleanup } from '@campus/platform/testing/cleanup'
import { eventually } from '@campus/platform/testing/eventually'
import { problemOf } from '@campus/platform/testing/problem'
import { createTestSurroundings } from '@campus/platform/testing/service'
import { sql } from 'drizzle-orm'
import { t as file, test } from 'tap'
import { Config } from './config.ts'
import { buildService } from './service.ts'
import { expireReservationsJob } from './stock/expire-reservations.job.ts'

file.setTimeout(120_000)
const eur = (amount: number) => ({ amount, currency: 'EUR' })

async function open(t: Cleanup, settings: Record<string, string> = {}) {
  const around = await createTestSurroundings(t, { service: 'catalog', topics })
  const service = buildService(loadConfig(Config, { ...around.env, ...settings }))
  await service.start()
  t.teardown(() => service.stop())
  const { app } = service
  const admin = { ...around.tokens.bearer({ roles: ['admin'] }) }

  async function send(
    method: 'POST' | 'PATCH' | 'PUT' | 'DELETE',
    url: string,
    payload: object,
    headers: Record<string, string> = {},
  ) {
    return app.inject({
      method,
      url,
      payload,
      headers: { ...admin, 'idempotency-key': randomUUID(), ...headers },
    })
  }

  async function offer(units: number, amount = 1_290) {
    const slug = `mug-${randomUUID()}`
    const made = await send('POST', '/v1/products', { title: 'Campus mug', slug })
    assert.equal(made.statusCode, 201, made.body)
    const productId: string = made.json().id
    const sku = `MUG-${randomUUID().toUpperCase()}`
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

  /** Types of what was answered about an order, oldest first. */
  async function answers(orderId: OrderId): Promise<string[]> {
    const key = `reservation:${orderId}`
    const { rows } = await around.postgres.read(tx =>
      tx.execute<{ type: string }>(sql`
        select type, aggregate_version from outbox where aggregate_key = ${key}
        union all select type, aggregate_version from outbox_archive where aggregate_key = ${key}
        order by aggregate_version`),
    )
    return rows.map(({ type }) => type.split('.')[1] ?? '')
  }

  async function answered(orderId: OrderId, count: number) {
    return eventually(async () => {
      const found = await answers(orderId)
      assert.equal(found.length, count)
      return found
    })
  }

  return { ...around, app, admin, send, offer, stockOf, answers, answered }
}

function order(
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

test('a published product is found by id, slug and title, at its price', async t => {
  const bench = await open(t)
  const { productId, slug } = await bench.offer(3)
  for (const key of [productId, slug]) {
    const response = await bench.app.inject({ url: `/v1/products/${key}` })
    t.match(response.json(), { title: 'Campus mug', variants: [{ price: { price: eur(1_290) } }] })
  }
  const { data } = (await bench.app.inject({ url: '/v1/products?q=MUG' })).json()
  t.match(data, [{ id: productId, priceFrom: eur(1_290) }])
  t.same((await bench.app.inject({ url: '/v1/products?q=%25' })).json().data, [], '% is a letter')
})

test('a product that changed is read fresh, and an archived one is gone', async t => {
  const bench = await open(t)
  const { productId } = await bench.offer(0)
  const url = `/v1/products/${productId}`
  const before = await bench.app.inject({ url })
  const stale = await bench.send('PATCH', url, { title: 'Cup' }, { 'if-match': '"0"' })
  t.equal(stale.statusCode, 412)
  const etag = String(before.headers['etag'])
  await bench.send('PATCH', url, { title: 'Cup' }, { 'if-match': etag })
  t.equal((await bench.app.inject({ url })).json().title, 'Cup')
  await bench.send('POST', `${url}/archive`, {})
  t.equal((await bench.app.inject({ url })).statusCode, 404)
})

test('a product without a price is not published, and only an admin may publish', async t => {
  const bench = await open(t)
  const made = await bench.send('POST', '/v1/products', { title: 'Draft', slug: 'draft' })
  const url = `/v1/products/${made.json().id}`
  t.equal((await bench.app.inject({ url })).statusCode, 404)
  t.equal(problemOf(await bench.send('POST', `${url}/publish`, {})).code, 'catalog.no_variant')
  await bench.send('POST', `${url}/variants`, { sku: 'DRAFT' })
  t.equal(problemOf(await bench.send('POST', `${url}/publish`, {})).code, 'catalog.no_price')
  const student = { ...bench.tokens.bearer() }
  const refused = await bench.send('POST', `${url}/publish`, {}, student)
  t.equal(problemOf(refused).code, 'auth.role_missing')
})

test('prices of one currency cannot overlap', async t => {
  const bench = await open(t)
  const { variantId, productId } = await bench.offer(0)
  const { headers } = await bench.app.inject({ url: `/v1/products/${productId}` })
  const response = await bench.send(
    'PUT',
    `/v1/variants/${variantId}/prices`,
    [{ price: eur(1) }, { price: eur(2), from: '2099-01-01T00:00:00Z' }],
    { 'if-match': String(headers['etag']) },
  )
  t.equal(problemOf(response).code, 'catalog.prices_overlap')
})

test('categories form a tree without circles', async t => {
  const bench = await open(t)
  const add = async (slug: string, parentId?: string) =>
    (await bench.send('POST', '/v1/categories', { name: slug, slug, parentId })).json().id
  const books = await add('books')
  const novels = await add('novels', books)
  const { data } = (await bench.app.inject({ url: '/v1/categories' })).json()
  t.match(data, [{ slug: 'books', children: [{ slug: 'novels', children: [] }] }])
  const circle = await bench.send('PATCH', `/v1/categories/${books}`, { parentId: novels })
  t.equal(problemOf(circle).code, 'catalog.category_cycle')
  const used = await bench.app.inject({
    method: 'DELETE',
    url: `/v1/categories/${books}`,
    headers: bench.admin,
  })
  t.equal(problemOf(used).code, 'catalog.category_in_use')
})

test('an order holds stock, buys it and gives it back, each answered once', async t => {
  const bench = await open(t)
  const item = await bench.offer(5)
  const { orderId, placed, commit, release } = order(item, 2)
  const [record] = await bench.publish(placed)
  await bench.answered(orderId, 1)
  t.same(await bench.stockOf(item.variantId), { onHand: 5, reserved: 2 })
  await bench.publish(commit)
  await bench.answered(orderId, 2)
  t.same(await bench.stockOf(item.variantId), { onHand: 3, reserved: 0 })
  await bench.publish(release)
  await bench.answered(orderId, 3)
  t.same(await bench.stockOf(item.variantId), { onHand: 5, reserved: 0 })
  t.same(await bench.answers(orderId), ['stock_reserved', 'stock_committed', 'stock_released'])
  if (record !== undefined) await bench.republish(record)
  await bench.publish(release)
  await bench.answered(orderId, 4)
  t.same(await bench.stockOf(item.variantId), { onHand: 5, reserved: 0 }, 'twice is harmless')
})

test('what is not there, not for sale or too old a price is rejected, all reasons at once', async t => {
  const bench = await open(t)
  const item = await bench.offer(1)
  const short = order(item, 2)
  const oldPrice = order({ ...item, priceId: newId<PriceId>() }, 1)
  await bench.publish(short.placed, oldPrice.placed)
  t.same(await bench.answered(short.orderId, 1), ['stock_rejected'])
  t.same(await bench.answered(oldPrice.orderId, 1), ['stock_rejected'])
  await bench.send('POST', `/v1/products/${item.productId}/archive`, {})
  const archived = order(item, 1)
  await bench.publish(archived.placed)
  t.same(await bench.answered(archived.orderId, 1), ['stock_rejected'])
  t.same(await bench.stockOf(item.variantId), { onHand: 1, reserved: 0 })
})

test('a release before its order leaves nothing that the order could hold', async t => {
  const bench = await open(t)
  const item = await bench.offer(5)
  const { orderId, placed, release } = order(item, 2)
  await bench.publish(release)
  await bench.answered(orderId, 1)
  await bench.publish(placed)
  t.same(await bench.answered(orderId, 2), ['stock_released', 'stock_rejected'])
  t.same(await bench.stockOf(item.variantId), { onHand: 5, reserved: 0 })
})

test('an expired hold is let go of, and a late commit takes it again when it can', async t => {
  const bench = await open(t, { RESERVATION_SWEEP_MS: '100' })
  const item = await bench.offer(2)
  const first = order(item, 2, 0)
  await bench.publish(first.placed)
  t.same(await bench.answered(first.orderId, 2), ['stock_reserved', 'reservation_expired'])
  t.same(await bench.stockOf(item.variantId), { onHand: 2, reserved: 0 })
  const second = order(item, 1)
  await bench.publish(second.placed, first.commit)
  await bench.answered(second.orderId, 1)
  t.equal((await bench.answered(first.orderId, 3))[2], 'stock_commit_rejected')
  await bench.publish(second.release)
  await bench.answered(second.orderId, 2)
  await bench.publish(first.commit)
  t.equal((await bench.answered(first.orderId, 4))[3], 'stock_committed')
  t.same(await bench.stockOf(item.variantId), { onHand: 0, reserved: 0 })
})

test('refunded units that never left are sold again, once a refund, and a cancellation adds the rest', async t => {
  const bench = await open(t)
  const item = await bench.offer(5)
  const { orderId, placed, commit, release, refunded } = order(item, 3)
  await bench.publish(placed, commit)
  await bench.answered(orderId, 2)
  t.same(await bench.stockOf(item.variantId), { onHand: 2, reserved: 0 })
  for (const refund of [refunded(1), refunded(1), refunded(0)]) {
    const [record] = await bench.publish(refund)
    if (record !== undefined) await bench.republish(record)
  }
  await bench.publish(release)
  t.same(await bench.answered(orderId, 3), ['stock_reserved', 'stock_committed', 'stock_released'])
  t.same(await bench.stockOf(item.variantId), { onHand: 5, reserved: 0 })
  const { rows } = await bench.postgres.read(tx =>
    tx.execute(sql`select delta from movement where order_id = ${orderId} order by id`),
  )
  t.same(
    rows.map(({ delta }) => delta),
    [-3, 1, 1, 1],
  )
})

test('two sweepers at once let go of an expired hold once', async t => {
  const bench = await open(t, { RESERVATION_SWEEP_MS: '60000' })
  const item = await bench.offer(20)
  const orders = Array.from({ length: 20 }, () => order(item, 1, 0))
  await bench.publish(...orders.map(({ placed }) => placed))
  for (const { orderId } of orders) await bench.answered(orderId, 1)
  const job = expireReservationsJob(bench.postgres, 60_000)
  const run = () => job.run({ now: new Date(), signal: AbortSignal.timeout(10_000) })
  await Promise.all([run(), run(), run()])
  for (const { orderId } of orders) {
    t.same(await bench.answers(orderId), ['stock_reserved', 'reservation_expired'])
  }
  t.same(await bench.stockOf(item.variantId), { onHand: 20, reserved: 0 })
})

test('200 orders for 20 units hold exactly 20', async t => {
  const bench = await open(t)
  const item = await bench.offer(20)
  const orders = Array.from({ length: 200 }, () => order(item, 1))
  await Promise.all(orders.map(({ placed }) => bench.publish(placed)))
  const outcomes = await eventually(
    async () => {
      const { rows } = await bench.postgres.read(tx =>
        tx.execute<{ state: string; n: number }>(
          sql`select state, count(*) as n from reservation group by state order by state`,
        ),
      )
      assert.equal(
        rows.reduce((all, { n }) => all + n, 0),
        200,
      )
      return rows
    },
    { timeoutMs: 60_000 },
  )
  t.same(outcomes, [
    { state: 'held', n: 20 },
    { state: 'rejected', n: 180 },
  ])
  t.same(await bench.stockOf(item.variantId), { onHand: 20, reserved: 20 })
})

test('parallel corrections of one stock add up, and none takes what is reserved', async t => {
  const bench = await open(t)
  const item = await bench.offer(10)
  const { orderId, placed } = order(item, 8)
  await bench.publish(placed)
  await bench.answered(orderId, 1)
  const url = `/v1/stock/${item.variantId}/adjustments`
  const responses = await Promise.all(
    Array.from({ length: 10 }, () => bench.send('POST', url, { delta: -1, reason: 'damage' })),
  )
  const codes = responses.map(({ statusCode }) => statusCode).toSorted((a, b) => a - b)
  t.same(codes, [201, 201, ...Array.from({ length: 8 }, () => 409)])
  t.same(await bench.stockOf(item.variantId), { onHand: 8, reserved: 8 })
})
