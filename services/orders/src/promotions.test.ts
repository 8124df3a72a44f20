import { problemOf } from '@campus/platform/testing/problem'
import { t as file, test } from 'tap'
import { buyer, eur, open } from './test-bench.ts'

// What staff does about promotions; what buyers do with coupons is in coupons.test.ts.

file.setTimeout(120_000)

const bench = await open(file)
const tenPercent = { kind: 'percent', percent: 10 }

const create = async (code: string, more: object = {}, headers = bench.admin) =>
  bench.app.inject({
    method: 'POST',
    url: '/v1/promotions',
    headers,
    payload: { code, name: 'Summer sale', action: tenPercent, ...more },
  })
const change = async (id: string, payload: object, etag?: string) =>
  bench.app.inject({
    method: 'PATCH',
    url: `/v1/promotions/${id}`,
    headers: { ...bench.admin, ...(etag !== undefined && { 'if-match': etag }) },
    payload,
  })
const get = async (url: string) => bench.app.inject({ url, headers: bench.admin })

test('a promotion is made with its code in capital letters, and read as it was made', async t => {
  const conditions = { minimumGoods: eur(2_000) }
  const period = { from: '2026-01-01T00:00:00.000Z', to: '2099-01-01T00:00:00.000Z' }
  const made = await create('summer-26', { conditions, usageLimit: 10, perCustomer: 2, ...period })
  t.equal(made.statusCode, 201, made.body)
  const view = made.json()
  t.match(view, {
    code: 'SUMMER-26',
    action: tenPercent,
    conditions,
    usageLimit: 10,
    perCustomer: 2,
    usedCount: 0,
    ...period,
  })
  t.equal(made.headers['location'], `/v1/promotions/${view.id}`)
  const read = await get(`/v1/promotions/${view.id}`)
  t.same(read.json(), view)
  t.equal(read.headers['etag'], '"1"')
})

test('a code is taken once, whatever its case, also after its promotion has ended', async t => {
  const made = (await create('TAKEN')).json()
  t.equal(problemOf(await create('taken')).code, 'orders.code_taken')
  const ended = await bench.app.inject({
    method: 'DELETE',
    url: `/v1/promotions/${made.id}`,
    headers: bench.admin,
  })
  t.equal(ended.statusCode, 204)
  t.equal(problemOf(await create('TAKEN')).code, 'orders.code_taken')
})

const wrong: readonly [string, object][] = [
  ['AB', {}],
  ['-ABC', {}],
  ['A B C', {}],
  ['A'.repeat(33), {}],
  ['ZERO', { action: { kind: 'percent', percent: 0 } }],
  ['MUCH', { action: { kind: 'percent', percent: 101 } }],
  ['NOTHING', { action: { kind: 'amount', amount: eur(0) } }],
  ['OTHER', { action: { kind: 'gift' } }],
  ['NEVER', { usageLimit: 0 }],
  ['NOBODY', { perCustomer: 0 }],
  ['EMPTY', { conditions: { variantIds: [] } }],
  ['LEAP', { to: '2026-12-31T23:59:60Z' }],
]
test('a promotion that makes no sense is refused', async t => {
  for (const [code, more] of wrong) {
    t.equal((await create(code, more)).statusCode, 400, `${code} ${JSON.stringify(more)}`)
  }
  const period = { from: '2026-02-01T00:00:00.000Z', to: '2026-01-01T00:00:00.000Z' }
  const action = { kind: 'amount', amount: eur(500) }
  const conditions = { minimumGoods: { amount: 1, currency: 'USD' } }
  const both = await create('BOTH', { ...period, action, conditions })
  t.equal(both.statusCode, 422)
  t.same(
    problemOf(both).reasons?.map(({ code }) => code),
    ['orders.period_empty', 'orders.amounts_mixed'],
  )
})

test('a change needs the version that was read, and touches nothing but what it names', async t => {
  const made = (await create('CHANGED', { usageLimit: 5 })).json()
  t.equal((await change(made.id, { name: 'Sun' })).statusCode, 428)
  const renamed = await change(made.id, { name: 'Sun' }, '"1"')
  t.match(renamed.json(), { name: 'Sun', usageLimit: 5, version: 2 })
  const stale = await change(made.id, { name: 'Rain' }, '"1"')
  t.equal(stale.statusCode, 412)
  t.match(stale.json().current, { name: 'Sun', version: 2 })
  const lifted = await change(made.id, { usageLimit: null }, '"2"')
  t.equal(lifted.json().usageLimit, undefined)
  for (const fixed of [{ code: 'OTHER' }, { action: tenPercent }, { conditions: {} }]) {
    t.equal((await change(made.id, fixed, '"3"')).statusCode, 400, 'it never changes')
  }
})

test('a promotion ends at once, twice as well, and a later end opens it again', async t => {
  const made = (await create('ENDING')).json()
  const url = `/v1/promotions/${made.id}`
  const end = async () => bench.app.inject({ method: 'DELETE', url, headers: bench.admin })
  t.equal((await end()).statusCode, 204)
  const ended = (await get(url)).json()
  t.ok(Date.parse(ended.to) <= Date.now())
  t.equal((await end()).statusCode, 204)
  t.same((await get(url)).json(), ended, 'the second time changes nothing')
  const opened = await change(made.id, { to: '2099-01-01T00:00:00Z' }, '"2"')
  t.equal(opened.json().to, '2099-01-01T00:00:00.000Z')
})

test('promotions are for staff only, and an unknown one is 404', async t => {
  const { headers } = buyer(bench)
  t.equal((await create('MINE', {}, headers)).statusCode, 403)
  t.equal((await bench.app.inject({ url: '/v1/promotions', headers })).statusCode, 403)
  t.equal((await bench.app.inject({ url: '/v1/promotions' })).statusCode, 401)
  const nothing = '0193a1c0-0000-7000-8000-00000000dead'
  t.equal((await get(`/v1/promotions/${nothing}`)).statusCode, 404)
  t.equal((await change(nothing, { name: 'x' }, '"1"')).statusCode, 404)
})

test('the list shows the newest first, page by page', async t => {
  const ids: string[] = []
  for (const code of ['LIST-1', 'LIST-2', 'LIST-3']) ids.unshift((await create(code)).json().id)
  const first = (await get('/v1/promotions?limit=2')).json()
  const second = (await get(`/v1/promotions?limit=1&cursor=${first.page.next}`)).json()
  t.same(
    [...first.data, ...second.data].map(({ id }: { id: string }) => id),
    ids,
  )
})
