import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { productArchived, stockRejected } from '@campus/contracts/events/catalog'
import { asId, type IntentId, type OrderId } from '@campus/contracts/ids'
import { newId } from '@campus/platform/new-id'
import { eventually } from '@campus/platform/testing/eventually'
import { problemOf } from '@campus/platform/testing/problem'
import { sql } from 'drizzle-orm'
import { t as file, test } from 'tap'
import { answers, buyer, eur, open } from './test-bench.ts'

file.jobs = 3

test('an order goes from cart to confirmed by the answers of catalog and payments', async t => {
  const bench = await open(t)
  const { userId, headers } = buyer(bench)
  const { variantId } = await bench.sell(1_290)
  const cart = await bench.cartWith(headers, variantId, 2)
  t.same(cart.total, eur(2_580))
  const response = await bench.checkout(headers, cart)
  t.equal(response.statusCode, 202, response.body)
  const orderId = asId<OrderId>(response.json().id)
  t.equal(response.headers['location'], `/v1/orders/${orderId}`)

  const told = answers(orderId, userId, newId<IntentId>(), 2_580)
  await bench.publish(told.reserved)
  await bench.orderIn(headers, orderId, 'awaiting_payment')
  await bench.publish(told.created, told.authorized)
  await bench.orderIn(headers, orderId, 'committing')
  const [committed] = await bench.publish(told.committed)
  await bench.orderIn(headers, orderId, 'capturing')
  await bench.publish(told.captured)
  const order = await bench.orderIn(headers, orderId, 'confirmed')
  t.match(order, { totals: { total: eur(2_580) }, lines: [{ title: 'Campus mug', quantity: 2 }] })

  const expected = [
    'order_placed',
    'payment_requested',
    'stock_commit_requested',
    'capture_requested',
    'order_confirmed',
  ]
  t.same(await bench.emitted(orderId), expected)
  if (committed !== undefined) await bench.republish(committed)
  await bench.publish(told.captured)
  const again = await bench.sell(1)
  t.ok(again, 'a later event of the same service has been applied')
  t.same(await bench.emitted(orderId), expected, 'a repeated answer has no second effect')
})

test('an order without stock is cancelled with its reason', async t => {
  const bench = await open(t)
  const { headers } = buyer(bench)
  const { variantId } = await bench.sell(500)
  const placed = await bench.checkout(headers, await bench.cartWith(headers, variantId, 1))
  const orderId = asId<OrderId>(placed.json().id)
  await bench.publish(
    stockRejected.of({
      orderId,
      shortages: [{ variantId, requestedCount: 1, availableCount: 0 }],
      refusals: [],
    }),
  )
  const order = await bench.orderIn(headers, orderId, 'cancelled')
  t.equal(order.reason, 'out_of_stock')
  t.same(await bench.emitted(orderId), ['order_placed', 'order_cancelled'])
})

test('an order that is not paid in time gives the stock back and ends', async t => {
  const bench = await open(t, { PAYMENT_TIMEOUT_SECONDS: '1' })
  const { userId, headers } = buyer(bench)
  const { variantId } = await bench.sell(500)
  const placed = await bench.checkout(headers, await bench.cartWith(headers, variantId, 1))
  const orderId = asId<OrderId>(placed.json().id)
  const told = answers(orderId, userId, newId<IntentId>(), 500)
  await bench.publish(told.reserved, told.created)
  await bench.orderIn(headers, orderId, 'cancelling')
  await bench.publish(told.released, told.voided)
  const order = await bench.orderIn(headers, orderId, 'cancelled')
  t.match(order, { reason: 'payment_timeout', cancelledBy: { type: 'timer' } })
  t.same(await bench.emitted(orderId), [
    'order_placed',
    'payment_requested',
    'stock_release_requested',
    'payment_void_requested',
    'order_cancelled',
  ])
})

test('cancelling twice has one effect, and somebody else cannot cancel', async t => {
  const bench = await open(t)
  const { userId, headers } = buyer(bench)
  const { variantId } = await bench.sell(500)
  const placed = await bench.checkout(headers, await bench.cartWith(headers, variantId, 1))
  const orderId = asId<OrderId>(placed.json().id)
  const told = answers(orderId, userId, newId<IntentId>(), 500)
  await bench.publish(told.reserved, told.created)
  await bench.orderIn(headers, orderId, 'awaiting_payment')
  const cancel = (caller: Record<string, string>) =>
    bench.app.inject({
      method: 'POST',
      url: `/v1/orders/${orderId}/cancel`,
      headers: { ...caller, 'idempotency-key': randomUUID() },
    })
  const foreign = await cancel(buyer(bench).headers)
  t.equal(foreign.statusCode, 404)
  t.equal(problemOf(foreign).code, 'request.not_found')
  t.equal((await cancel(headers)).statusCode, 202)
  t.equal((await cancel(headers)).statusCode, 202)
  await bench.publish(told.voided, told.released)
  await bench.orderIn(headers, orderId, 'cancelled')
  t.equal((await cancel(headers)).statusCode, 200)
  t.equal((await bench.emitted(orderId)).filter(type => type === 'order_cancelled').length, 1)
})

test('one cart gives one order, whatever the retries', async t => {
  const bench = await open(t)
  const { headers } = buyer(bench)
  const { variantId } = await bench.sell(500)
  const cart = await bench.cartWith(headers, variantId, 1)
  const key = randomUUID()
  const same = await Promise.all(
    Array.from({ length: 10 }, () => bench.checkout(headers, cart, key)),
  )
  const other = await Promise.all(Array.from({ length: 10 }, () => bench.checkout(headers, cart)))
  const accepted = [...same, ...other].filter(({ statusCode }) => statusCode === 202)
  t.equal(new Set(accepted.map(response => response.json().id)).size, 1)
  for (const { statusCode } of [...same, ...other]) t.ok([202, 409, 412].includes(statusCode))
  const { rows } = await bench.postgres.read(tx => tx.execute(sql`select id from orders`))
  t.equal(rows.length, 1)
})

test('checkout lists every reason and tells how the total has changed', async t => {
  const bench = await open(t)
  const { headers } = buyer(bench)
  const { productId, variantId } = await bench.sell(500)
  const cart = await bench.cartWith(headers, variantId, 1)
  const wrong = await bench.checkout(headers, { ...cart, total: eur(499) })
  t.equal(wrong.statusCode, 409)
  t.match(problemOf(wrong).reasons, [
    { code: 'orders.total_changed', details: { expected: eur(499), total: eur(500) } },
  ])
  await bench.publish(productArchived.of({ productId, by: { type: 'service', id: 'test' } }))
  await eventually(async () => {
    const seen = await bench.app.inject({ url: `/v1/carts/${cart.id}`, headers })
    assert.equal(seen.json().lines[0].isAvailable, false)
  })
  const refused = await bench.checkout(headers, cart)
  t.same(
    problemOf(refused).reasons?.map(({ code }) => code),
    ['orders.variant_unavailable', 'orders.total_changed'],
  )
})

test('checkout without If-Match is 428, with an old one 412, without a key 400', async t => {
  const bench = await open(t)
  const { headers } = buyer(bench)
  const { variantId } = await bench.sell(500)
  const cart = await bench.cartWith(headers, variantId, 1)
  const url = `/v1/carts/${cart.id}/checkout`
  const payload = { expectedTotal: cart.total }
  const post = (more: Record<string, string>) =>
    bench.app.inject({ method: 'POST', url, payload, headers: { ...headers, ...more } })
  t.equal((await post({ 'if-match': cart.etag })).statusCode, 400)
  t.equal((await post({ 'idempotency-key': randomUUID() })).statusCode, 428)
  const stale = await post({ 'idempotency-key': randomUUID(), 'if-match': '"0"' })
  t.equal(stale.statusCode, 412)
})

test('a guest fills a cart by its token, and an account claims it', async t => {
  const bench = await open(t)
  const { headers } = buyer(bench)
  const { variantId } = await bench.sell(500)
  const guest = await bench.cartWith({}, variantId, 2)
  t.match(guest.token, /^[\w-]{43}$/)
  t.equal((await bench.app.inject({ url: `/v1/carts/${guest.id}` })).statusCode, 404)
  const own = await bench.cartWith(headers, variantId, 1)
  const claimed = await bench.app.inject({
    method: 'POST',
    url: `/v1/carts/${guest.id}/claim`,
    headers: { ...headers, 'x-cart-token': guest.token },
    payload: { strategy: 'sum' },
  })
  t.equal(claimed.statusCode, 200, claimed.body)
  t.match(claimed.json(), { id: own.id, lines: [{ variantId, quantity: 3 }] })
  const { rows } = await bench.postgres.read(tx =>
    tx.execute(sql`select token_hash from cart where token_hash = ${guest.token}`),
  )
  t.equal(rows.length, 0, 'the token itself is stored nowhere')
})

test('the history shows own orders only, page by page', async t => {
  const bench = await open(t)
  const { headers } = buyer(bench)
  const { variantId } = await bench.sell(500)
  for (let i = 0; i < 3; i += 1) {
    await bench.checkout(headers, await bench.cartWith(headers, variantId, 1))
  }
  const first = await bench.app.inject({ url: '/v1/orders?limit=2', headers })
  const { data, page } = first.json()
  t.equal(data.length, 2)
  const second = await bench.app.inject({
    url: `/v1/orders?limit=2&cursor=${page.next}`,
    headers,
  })
  t.equal(second.json().data.length, 1)
  t.equal(second.json().page.next, null)
  const stranger = buyer(bench).headers
  const foreign = await bench.app.inject({ url: '/v1/orders', headers: stranger })
  t.same(foreign.json().data, [])
  const stolen = await bench.app.inject({
    url: `/v1/orders?limit=2&cursor=${page.next}`,
    headers: stranger,
  })
  t.equal(problemOf(stolen).code, 'request.cursor_invalid')
})
