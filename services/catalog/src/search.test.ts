// Lists, search, facets and what is popular, over the API and on real servers.
import assert from 'node:assert/strict'
import { eventually } from '@campus/platform/testing/eventually'
import { problemOf } from '@campus/platform/testing/problem'
import { t as file, test } from 'tap'
import { eur, openCatalog, order } from './test-bench.ts'

file.setTimeout(120_000)
file.jobs = 3

type Catalog = Awaited<ReturnType<typeof openCatalog>>

async function list(catalog: Catalog, query: string) {
  const response = await catalog.app.inject({ url: `/v1/products?${query}` })
  assert.equal(response.statusCode, 200, response.body)
  return response.json()
}

async function titles(catalog: Catalog, query: string): Promise<string[]> {
  const { data } = await list(catalog, query)
  return data.map(({ title }: { title: string }) => title)
}

/** A small shop: cups in two categories, of two colours, at three prices. */
async function openShop(t: Parameters<typeof openCatalog>[0]) {
  const catalog = await openCatalog(t, { RANK_PERIOD_MS: '100' })
  const category = async (slug: string, parentId?: string): Promise<string> =>
    (await catalog.send('POST', '/v1/categories', { name: slug, slug, parentId })).json().id
  const home = await category('home')
  const kitchen = await category('kitchen', home)
  const office = await category('office')
  const sell = (title: string, units: number, amount: number, more: object) =>
    catalog.offer(units, amount, { title, ...more })
  const blueMug = await sell('Blue mug', 5, 900, {
    categoryId: kitchen,
    attributes: { colour: 'blue', size: 'l' },
  })
  const redMug = await sell('Red mug', 0, 700, {
    categoryId: kitchen,
    attributes: { colour: 'red' },
    description: 'Not blue at all.',
  })
  const pen = await sell('Crème pen', 9, 250, {
    categoryId: office,
    attributes: { colour: 'blue' },
  })
  return { ...catalog, home, kitchen, office, blueMug, redMug, pen }
}

test('a list is narrowed by words, category tree, price, stock and attributes, alone and together', async t => {
  const shop = await openShop(t)
  t.same(await titles(shop, ''), ['Crème pen', 'Red mug', 'Blue mug'], 'the newest first')
  t.same(await titles(shop, 'q=mu'), ['Red mug', 'Blue mug'], 'an unfinished word')
  t.same(await titles(shop, 'q=creme'), ['Crème pen'], 'without its accent')
  t.same(await titles(shop, `category=${shop.home}`), ['Red mug', 'Blue mug'], 'the tree below')
  t.same(await titles(shop, `category=${shop.office}`), ['Crème pen'])
  t.same(await titles(shop, `category=${shop.blueMug.productId}`), [], 'no such category')
  t.same(await titles(shop, 'min=251&max=800'), ['Red mug'])
  t.same(await titles(shop, 'inStock=true'), ['Crème pen', 'Blue mug'])
  t.same(await titles(shop, 'attr.colour=blue'), ['Crème pen', 'Blue mug'])
  t.same(await titles(shop, 'attr.colour=blue&attr.size=l'), ['Blue mug'])
  t.same(await titles(shop, `q=mug&category=${shop.home}&inStock=true&attr.colour=red`), [])
})

test('words in the title count more than words in the description', async t => {
  const shop = await openShop(t)
  t.same(await titles(shop, 'q=blue'), ['Blue mug', 'Crème pen', 'Red mug'])
  t.same(await titles(shop, 'q=blue&sort=price'), ['Crème pen', 'Red mug', 'Blue mug'])
})

test('each sort has pages that neither repeat nor skip, and a cursor belongs to its list', async t => {
  const shop = await openShop(t)
  for (let n = 0; n < 5; n += 1) await shop.offer(1, 700, { title: `Mug ${n}` })
  for (const query of ['sort=newest', 'sort=popular', 'sort=price', 'sort=-price', 'q=mug']) {
    const whole = await titles(shop, query)
    const paged: string[] = []
    let cursor = ''
    do {
      const { data, page } = await list(shop, `${query}&limit=2${cursor}`)
      paged.push(...data.map(({ title }: { title: string }) => title))
      cursor = page.next === null ? '' : `&cursor=${page.next}`
    } while (cursor !== '')
    t.same(paged, whole, query)
  }
  const { page } = await list(shop, 'sort=price&limit=2')
  const foreign = await shop.app.inject({ url: `/v1/products?limit=2&cursor=${page.next}` })
  t.equal(problemOf(foreign).code, 'request.cursor_invalid')
})

test('facets count what matches', async t => {
  const shop = await openShop(t)
  const { facets } = await list(shop, `category=${shop.home}&facets=true`)
  t.same(facets, {
    categories: [{ id: shop.kitchen, count: 2 }],
    attributes: {
      colour: [
        { value: 'blue', count: 1 },
        { value: 'red', count: 1 },
      ],
      size: [{ value: 'l', count: 1 }],
    },
    inStock: 1,
    price: { min: 700, max: 900 },
    counted: 2,
    isPartial: false,
  })
  const empty = await list(shop, 'q=nothing&facets=true')
  t.match(empty, { data: [], facets: { categories: [], attributes: {}, inStock: 0, counted: 0 } })
  t.notOk('price' in empty.facets)
})

test('a query that is none is refused, with what is wrong', async t => {
  const shop = await openCatalog(t)
  for (const query of [
    'min=-1',
    'sort=best',
    'attr.=x',
    'attr.Colour=x',
    'colour=x',
    'inStock=no',
  ]) {
    const response = await shop.app.inject({ url: `/v1/products?${query}` })
    t.equal(response.statusCode, 400, query)
    t.equal(problemOf(response).code, 'request.invalid', query)
  }
  t.same(await titles(shop, 'q=%25%27%20%7C'), [], 'signs are no operators')
})

test('the last unit that is held leaves the list of what can be had, and its return brings it back', async t => {
  const shop = await openShop(t)
  const first = order(shop.blueMug, 5)
  await shop.publish(first.placed)
  await shop.answered(first.orderId, 1)
  t.same(await titles(shop, 'q=mug&inStock=true'), [])
  await shop.publish(first.release)
  await shop.answered(first.orderId, 2)
  t.same(await titles(shop, 'q=mug&inStock=true'), ['Blue mug'])
})

test('the last units of two variants, sold at the same moment, leave nothing in stock', async t => {
  const shop = await openCatalog(t)
  const pairs = []
  for (let n = 0; n < 8; n += 1) {
    const { productId, variantId, priceId } = await shop.offer(1, 500, { title: `Pair ${n}` })
    const { headers, ...varied } = await shop.send('POST', `/v1/products/${productId}/variants`, {
      sku: `PAIR-${n}`,
      label: 'other',
    })
    const other = varied.json().variants[1].id
    const priced = await shop.send('PUT', `/v1/variants/${other}/prices`, [{ price: eur(600) }], {
      'if-match': String(headers['etag']),
    })
    await shop.stockUp(other, 1)
    pairs.push(
      { variantId, priceId },
      { variantId: other, priceId: priced.json().variants[1].price.id },
    )
  }
  t.equal((await titles(shop, 'inStock=true')).length, 8)
  const orders = pairs.map(item => order(item, 1))
  await shop.publish(...orders.map(({ placed }) => placed))
  for (const { orderId } of orders) await shop.answered(orderId, 1)
  t.same(await titles(shop, 'inStock=true'), [])
})

test('what is low, gone and there again is told once for each turn', async t => {
  const shop = await openCatalog(t)
  const { productId, variantId, priceId } = await shop.offer(4)
  const { headers } = await shop.app.inject({ url: `/v1/products/${productId}` })
  const changed = await shop.send(
    'PATCH',
    `/v1/variants/${variantId}`,
    { lowStockAt: 2, label: 'deep blue' },
    { 'if-match': String(headers['etag']) },
  )
  t.match(changed.json(), { variants: [{ label: 'deep blue' }] })
  for (let n = 0; n < 4; n += 1) {
    const { placed, orderId } = order({ variantId, priceId }, 1)
    await shop.publish(placed)
    await shop.answered(orderId, 1)
  }
  await shop.stockUp(variantId, 1)
  t.same(await shop.told(`stock:${variantId}`), [
    'stock_adjusted',
    'stock_replenished',
    'low_stock_reached',
    'stock_depleted',
    'stock_adjusted',
    'stock_replenished',
  ])
})

test('what is sold most of late is popular, each sale once', async t => {
  const shop = await openShop(t)
  const popular = async () =>
    (await shop.app.inject({ url: `/v1/products/popular?category=${shop.home}` })).json().data
  const bought = order(shop.blueMug, 2)
  await shop.publish(bought.placed, bought.commit)
  await shop.answered(bought.orderId, 2)
  await eventually(async () =>
    assert.deepEqual(await titles(shop, 'sort=popular'), ['Blue mug', 'Crème pen', 'Red mug']),
  )
  t.match(await popular(), [{ title: 'Blue mug' }, { title: 'Red mug' }])
})

test('a list shows a changed product at once, an archived one never, and a price when its time comes', async t => {
  const shop = await openShop(t)
  const { productId, variantId } = shop.blueMug
  const url = `/v1/products/${productId}`
  const { headers } = await shop.app.inject({ url })
  const soon = new Date(Date.now() + 4_000).toISOString()
  const priced = await shop.send(
    'PUT',
    `/v1/variants/${variantId}/prices`,
    [
      { price: eur(950), to: soon },
      { price: eur(100), from: soon },
    ],
    { 'if-match': String(headers['etag']) },
  )
  await shop.send(
    'PATCH',
    url,
    { title: 'Azure mug', attributes: { colour: 'azure' } },
    { 'if-match': String(priced.headers['etag']) },
  )
  t.match((await list(shop, 'q=azure')).data, [{ title: 'Azure mug', priceFrom: eur(950) }])
  t.same(await titles(shop, 'attr.colour=blue'), ['Crème pen'])
  await eventually(
    async () => assert.match(JSON.stringify(await list(shop, 'q=azure')), /"amount":100,/),
    { timeoutMs: 20_000 },
  )
  await shop.send('POST', `${url}/archive`, {})
  t.same(await titles(shop, 'q=azure'), [])
})
