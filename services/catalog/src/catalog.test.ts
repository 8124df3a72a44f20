import assert from 'node:assert/strict'
import type { OrderId, PriceId } from '@campus/contracts/ids'
import { newId } from '@campus/platform/new-id'
import { eventually } from '@campus/platform/testing/eventually'
import { problemOf } from '@campus/platform/testing/problem'
import { sql } from 'drizzle-orm'
import { t as file, test } from 'tap'
import { expireReservationsJob } from './stock/expire-reservations.job.ts'
import { createAskForStock } from './stock/serve-orders.command.ts'
import { eur, openCatalog, order } from './test-bench.ts'

file.setTimeout(120_000)
file.jobs = 3

test('a published product is found by id, slug and title, at its price', async t => {
  const bench = await openCatalog(t)
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
  const bench = await openCatalog(t)
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
  const bench = await openCatalog(t)
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

test('a slug that means something else below /v1/products is refused', async t => {
  const bench = await openCatalog(t)
  const made = await bench.send('POST', '/v1/products', { title: 'Top', slug: 'popular' })
  t.match(problemOf(made), { status: 422, code: 'catalog.slug_reserved' })
  const { productId } = await bench.offer(0)
  const url = `/v1/products/${productId}`
  const { headers } = await bench.app.inject({ url })
  const renamed = await bench.send(
    'PATCH',
    url,
    { slug: 'popular' },
    { 'if-match': String(headers['etag']) },
  )
  t.equal(problemOf(renamed).code, 'catalog.slug_reserved')
})

test('a price is neither negative nor so high that a cart of it cannot be added up', async t => {
  const bench = await openCatalog(t)
  const { variantId } = await bench.offer(0)
  for (const amount of [-1, 10_000_000_001]) {
    const url = `/v1/variants/${variantId}/prices`
    const refused = await bench.send('PUT', url, [{ price: eur(amount) }], { 'if-match': '*' })
    t.match(problemOf(refused), { status: 400, code: 'request.invalid' })
  }
})

test('prices of one currency cannot overlap', async t => {
  const bench = await openCatalog(t)
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

test('a price that ends before it begins, or in the past, is refused', async t => {
  const bench = await openCatalog(t)
  const { variantId, productId } = await bench.offer(0)
  const { headers } = await bench.app.inject({ url: `/v1/products/${productId}` })
  for (const period of [
    { to: '2020-01-01T00:00:00Z' },
    { from: '2099-01-02T00:00:00Z', to: '2099-01-01T00:00:00Z' },
  ]) {
    const response = await bench.send(
      'PUT',
      `/v1/variants/${variantId}/prices`,
      [{ price: eur(1), ...period }],
      { 'if-match': String(headers['etag']) },
    )
    t.match(problemOf(response), { status: 422, code: 'catalog.price_period_empty' })
  }
})

test('categories form a tree without circles', async t => {
  const bench = await openCatalog(t)
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
  const bench = await openCatalog(t)
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
  const bench = await openCatalog(t)
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
  const bench = await openCatalog(t)
  const item = await bench.offer(5)
  const { orderId, placed, release } = order(item, 2)
  await bench.publish(release)
  await bench.answered(orderId, 1)
  await bench.publish(placed)
  t.same(await bench.answered(orderId, 2), ['stock_released', 'stock_rejected'])
  t.same(await bench.stockOf(item.variantId), { onHand: 5, reserved: 0 })
})

test('an expired hold is let go of, and a late commit takes it again when it can', async t => {
  const bench = await openCatalog(t, { RESERVATION_SWEEP_MS: '100' })
  const item = await bench.offer(2)
  const first = order(item, 2, 0)
  await bench.publish(first.placed)
  t.same(await bench.answered(first.orderId, 2), ['stock_reserved', 'reservation_expired'])
  t.same(await bench.stockOf(item.variantId), { onHand: 2, reserved: 0 })
  const second = order(item, 1)
  await bench.publish(second.placed)
  await bench.answered(second.orderId, 1)
  await bench.publish(first.commit)
  t.equal((await bench.answered(first.orderId, 3))[2], 'stock_commit_rejected')
  await bench.publish(second.release)
  await bench.answered(second.orderId, 2)
  await bench.publish(first.commit)
  t.equal((await bench.answered(first.orderId, 4))[3], 'stock_committed')
  t.same(await bench.stockOf(item.variantId), { onHand: 0, reserved: 0 })
})

test('refunded units that never left are sold again, once a refund, and a cancellation adds the rest', async t => {
  const bench = await openCatalog(t)
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
  const bench = await openCatalog(t, { RESERVATION_SWEEP_MS: '60000' })
  const item = await bench.offer(20)
  const orders = Array.from({ length: 20 }, () => order(item, 1, 0))
  await bench.publish(...orders.map(({ placed }) => placed))
  for (const { orderId } of orders) await bench.answered(orderId, 1)
  const ask = createAskForStock({ priceGraceSeconds: 900 })
  const job = expireReservationsJob(bench.postgres, ask, 60_000)
  const run = () => job.run({ now: new Date(), signal: AbortSignal.timeout(10_000) })
  await Promise.all([run(), run(), run()])
  for (const { orderId } of orders) {
    t.same(await bench.answers(orderId), ['stock_reserved', 'reservation_expired'])
  }
  t.same(await bench.stockOf(item.variantId), { onHand: 20, reserved: 0 })
})

test('requests that are served together lock in one order, whatever they name first', async t => {
  const bench = await openCatalog(t)
  const items = await Promise.all(Array.from({ length: 24 }, () => bench.offer(1_000)))
  const ask = createAskForStock({ priceGraceSeconds: 900 })
  const lines = (names: typeof items) =>
    names.map(({ variantId, priceId }, index) => {
      return { lineNo: index + 1, variantId, priceId, quantity: 1 }
    })
  // A deadlock would be tried again by itself.
  let attempts = 0
  async function serve(orderIds: readonly OrderId[], named: typeof items): Promise<void> {
    for (const kind of ['reserve', 'commit'] as const) {
      await bench.postgres.transaction(async tx => {
        attempts += 1
        for (const orderId of orderIds) {
          const request =
            kind === 'reserve'
              ? { kind, orderId, lines: lines(named), holdSeconds: 900 }
              : { kind, orderId }
          ask(tx, request, new Date())
        }
      })
    }
  }
  for (let round = 0; round < 20; round += 1) {
    await Promise.all(
      Array.from({ length: 6 }, async (_, replica) => {
        const orderIds = Array.from({ length: 3 }, () => newId<OrderId>())
        await serve(orderIds, replica % 2 === 0 ? items : items.toReversed())
      }),
    )
  }
  t.equal(attempts, 20 * 6 * 2)
  for (const { variantId } of items) {
    t.same(await bench.stockOf(variantId), { onHand: 1_000 - 20 * 6 * 3, reserved: 0 })
  }
})

test('200 orders for 20 units hold exactly 20', async t => {
  const bench = await openCatalog(t)
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
  const bench = await openCatalog(t)
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
