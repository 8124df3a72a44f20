import assert from 'node:assert/strict'
import { stockRejected } from '@campus/contracts/events/catalog'
import { refundSucceeded } from '@campus/contracts/events/payments'
import { asId, type OrderId, type RefundId, type VariantId } from '@campus/contracts/ids'
import { eventually } from '@campus/platform/testing/eventually'
import { problemOf } from '@campus/platform/testing/problem'
import { sql } from 'drizzle-orm'
import { t as file, test } from 'tap'
import { buyer, confirmed, delivered, eur, open } from './test-bench.ts'

file.setTimeout(180_000)

const bench = await open(file)
const mug = await bench.sell(1_290)

type Headers = Record<string, string>
let codes = 0

/** A promotion of its own for each test; when nothing else is said, of 10 %. */
async function promote(more: object = {}) {
  codes += 1
  const made = await bench.app.inject({
    method: 'POST',
    url: '/v1/promotions',
    headers: bench.admin,
    payload: {
      code: `SALE-${codes}`,
      name: 'Sale',
      action: { kind: 'percent', percent: 10 },
      ...more,
    },
  })
  assert.equal(made.statusCode, 201, made.body)
  const { id, code }: { id: string; code: string } = made.json()
  return { id, code, url: `/v1/promotions/${id}` }
}
const get = async (url: string, headers: Headers = bench.admin) =>
  (await bench.app.inject({ url, headers })).json()
const usedCount = async (url: string): Promise<number> => (await get(url)).usedCount
const put = async (headers: Headers, cartId: string, code: string) =>
  bench.app.inject({ method: 'PUT', url: `/v1/carts/${cartId}/coupons/${code}`, headers })
const end = async (url: string) => bench.app.inject({ method: 'DELETE', url, headers: bench.admin })
const codesOf = (answer: Parameters<typeof problemOf>[0]) =>
  problemOf(answer).reasons?.map(({ code }) => code)

/** Events about a promotion. */
async function told(promotionId: string) {
  const { rows } = await bench.postgres.read(tx =>
    tx.execute<{ type: string; payload: object }>(sql`
      select type, payload, aggregate_version from outbox
      where aggregate_key = ${`promotion:${promotionId}`}
      union all
      select type, payload, aggregate_version from outbox_archive
      where aggregate_key = ${`promotion:${promotionId}`}
      order by aggregate_version`),
  )
  return rows.map(({ type, payload }) => ({ type, payload }))
}

/** An order of two mugs, placed with a coupon. */
async function placedWith(code: string, who = buyer(bench)) {
  const { headers, userId } = who
  const filled = await bench.cartWith(headers, mug.variantId, 2)
  const cart = await bench.couponIn(headers, filled, code)
  const placed = await bench.checkout(headers, cart)
  assert.equal(placed.statusCode, 202, placed.body)
  return { orderId: asId<OrderId>(placed.json().id), headers, userId, totals: placed.json().totals }
}

/** An order that ends because there is no stock. */
async function sellOut(orderId: OrderId, headers: Headers) {
  const shortages = [{ variantId: mug.variantId, requestedCount: 2, availableCount: 0 }]
  await bench.publish(stockRejected.of({ orderId, shortages, refusals: [] }))
  await bench.orderIn(headers, orderId, 'cancelled')
}

test('a coupon lowers the total, whatever the case of its code, and raises the version', async t => {
  const { code } = await promote()
  const { headers } = buyer(bench)
  const cart = await bench.cartWith(headers, mug.variantId, 2)
  const answer = await put(headers, cart.id, code.toLowerCase())
  t.equal(answer.statusCode, 200, answer.body)
  t.match(answer.json(), {
    coupon: { code, isApplied: true },
    goods: eur(2_580),
    discount: eur(258),
    total: eur(2_322),
    lines: [{ discount: eur(258), total: eur(2_322) }],
  })
  t.equal(answer.json().coupon.reasons, undefined)
  t.not(answer.headers['etag'], cart.etag)
  const gone = await bench.app.inject({
    method: 'DELETE',
    url: `/v1/carts/${cart.id}/coupons/${code}`,
    headers,
  })
  t.match(gone.json(), { goods: eur(2_580), discount: eur(0), total: eur(2_580) })
  t.equal(gone.json().coupon, undefined)
})

test('a cart has one coupon: another one replaces it, and only its own is taken out', async t => {
  const [first, second] = [await promote(), await promote({ action: amountOff(500) })]
  const { headers } = buyer(bench)
  const { id } = await bench.cartWith(headers, mug.variantId, 2)
  await put(headers, id, first.code)
  const replaced = await put(headers, id, second.code)
  t.match(replaced.json(), { coupon: { code: second.code }, discount: eur(500) })
  const remove = async (code: string) =>
    bench.app.inject({ method: 'DELETE', url: `/v1/carts/${id}/coupons/${code}`, headers })
  const kept = await remove(first.code)
  t.match(kept.json(), { coupon: { code: second.code } })
  t.equal(kept.headers['etag'], replaced.headers['etag'])
})

test('a coupon that does not hold is refused with every reason', async t => {
  const other = asId<VariantId>('0193a1c0-0000-7000-8000-0000000000aa')
  const { headers } = buyer(bench)
  const { id, etag } = await bench.cartWith(headers, mug.variantId, 1)
  const refused = async (more: object) => put(headers, id, (await promote(more)).code)
  t.equal((await put(headers, id, 'NO-SUCH-CODE')).statusCode, 422)
  t.same(codesOf(await put(headers, id, 'NO-SUCH-CODE')), ['orders.coupon_unknown'])
  const early = await refused({ from: '2099-01-01T00:00:00.000Z' })
  t.equal(early.statusCode, 409)
  t.same(codesOf(early), ['orders.coupon_not_started'])
  t.same(
    codesOf(
      await refused({
        to: '2026-01-01T00:00:00.000Z',
        conditions: { minimumGoods: eur(5_000), variantIds: [other] },
      }),
    ),
    ['orders.coupon_ended', 'orders.coupon_minimum', 'orders.coupon_no_line'],
  )
  const few = await refused({ conditions: { minimumGoods: eur(5_000) } })
  t.same(problemOf(few).reasons?.[0]?.details, { missing: eur(3_710) })
  const cart = await bench.app.inject({ url: `/v1/carts/${id}`, headers })
  t.equal(cart.headers['etag'], etag, 'nothing has changed')
})

test('a coupon that stops holding stays in the cart with its reasons, and the total is without it', async t => {
  const { code, url } = await promote({ conditions: { minimumGoods: eur(2_000) } })
  const { headers } = buyer(bench)
  const { id } = await bench.cartWith(headers, mug.variantId, 2)
  await put(headers, id, code)
  const setTo = async (quantity: number) =>
    bench.app.inject({
      method: 'PUT',
      url: `/v1/carts/${id}/items/${mug.variantId}`,
      headers,
      payload: { quantity },
    })
  const fewer = (await setTo(1)).json()
  t.match(fewer, {
    coupon: {
      code,
      isApplied: false,
      reasons: [{ code: 'orders.coupon_minimum', details: { missing: eur(710) } }],
    },
    discount: eur(0),
    total: eur(1_290),
  })
  const more = await setTo(2)
  t.match(more.json(), { coupon: { code, isApplied: true }, discount: eur(258) })

  await end(url)
  const shown = { id, etag: String(more.headers['etag']), total: more.json().total }
  const refused = await bench.checkout(headers, shown)
  t.equal(refused.statusCode, 409)
  t.same(codesOf(refused), ['orders.total_changed', 'orders.coupon_ended'])
  const now = await get(`/v1/carts/${id}`, headers)
  t.match(now, { coupon: { isApplied: false }, total: eur(2_580) })
  const full = await bench.checkout(headers, { ...shown, total: now.total })
  t.match(full.json().totals, { discount: eur(0), total: eur(2_580) })
  t.equal(await usedCount(url), 0, 'what is not applied is not used')
})

test("a guest's coupon goes with the cart, unless the account has one of its own", async t => {
  const [ofGuest, ofUser] = [await promote(), await promote()]
  const claim = async (headers: Headers, cart: { id: string; token: string }) =>
    bench.app.inject({
      method: 'POST',
      url: `/v1/carts/${cart.id}/claim`,
      headers: { ...headers, 'x-cart-token': cart.token },
      payload: { strategy: 'sum' },
    })
  const guest = async () => {
    const cart = await bench.cartWith({}, mug.variantId, 1)
    await bench.couponIn({}, cart, ofGuest.code)
    return cart
  }
  const given = await claim(buyer(bench).headers, await guest())
  t.match(given.json(), { coupon: { code: ofGuest.code, isApplied: true }, total: eur(1_161) })

  const without = buyer(bench).headers
  await bench.cartWith(without, mug.variantId, 1)
  t.match((await claim(without, await guest())).json().coupon, { code: ofGuest.code })

  const owning = buyer(bench).headers
  const own = await bench.cartWith(owning, mug.variantId, 1)
  await bench.couponIn(owning, own, ofUser.code)
  t.match((await claim(owning, await guest())).json().coupon, { code: ofUser.code })
})

test("coupons are put into carts by whoever may reach them, and into somebody else's by nobody", async t => {
  const { code } = await promote()
  const cart = await bench.cartWith({}, mug.variantId, 1)
  t.equal((await put({}, cart.id, code)).statusCode, 404)
  t.equal((await put(buyer(bench).headers, cart.id, code)).statusCode, 404)
  const token = { 'x-cart-token': String(cart.token) }
  t.equal((await put({ ...token, 'if-match': '"1"' }, cart.id, code)).statusCode, 412)
  t.equal((await put(token, cart.id, code)).statusCode, 200)
})

test('an order with a coupon is placed, paid and confirmed at the lower total', async t => {
  const { code, url } = await promote()
  const { orderId, headers } = await confirmed(bench, { coupon: code })
  const order = await get(`/v1/orders/${orderId}`, headers)
  t.match(order, {
    totals: { goods: eur(2_580), discount: eur(258), total: eur(2_322) },
    lines: [{ discount: eur(258), total: eur(2_322) }],
    coupon: code,
  })
  const asked = (await bench.events(orderId)).find(({ type }) => type === 'payment_requested')
  t.match(asked?.payload, { amount: eur(2_322) })
  t.equal(await usedCount(url), 1)
})

test('O5: of 50 buyers at once exactly as many get the discount as the limit allows', async t => {
  const { id, code, url } = await promote({ usageLimit: 10 })
  const other = await bench.replica()
  const carts: { headers: Headers; cart: Awaited<ReturnType<typeof bench.couponIn>> }[] = []
  for (let i = 0; i < 50; i += 1) {
    const { headers } = buyer(bench)
    const cart = await bench.cartWith(headers, mug.variantId, 2)
    carts.push({ headers, cart: await bench.couponIn(headers, cart, code) })
  }
  const answers = await Promise.all(
    carts.map(async ({ headers, cart }, i) =>
      // A busy machine sheds a few of them: like any client these try again, with the same key.
      eventually(async () => {
        const answer = await (i % 2 === 0 ? bench.app : other.app).inject({
          method: 'POST',
          url: `/v1/carts/${cart.id}/checkout`,
          headers: { ...headers, 'if-match': cart.etag, 'idempotency-key': cart.id },
          payload: { expectedTotal: cart.total },
        })
        assert.notEqual(answer.statusCode, 503)
        return answer
      }),
    ),
  )
  const placed = answers.filter(({ statusCode }) => statusCode === 202)
  t.equal(placed.length, 10)
  for (const answer of placed) t.same(answer.json().totals.discount, eur(258))
  for (const answer of answers) {
    if (answer.statusCode === 202) continue
    t.equal(answer.statusCode, 409, answer.body)
    t.same(codesOf(answer), ['orders.total_changed', 'orders.coupon_exhausted'])
  }
  t.equal(await usedCount(url), 10)
  t.same(await told(id), [
    { type: 'orders.promotion_exhausted.v1', payload: { promotionId: id, usedCount: 10 } },
  ])
})

test('an account uses a coupon as often as it may, and a guest is asked at checkout', async t => {
  const { code } = await promote({ perCustomer: 1 })
  const who = buyer(bench)
  await placedWith(code, who)
  const { id } = await bench.cartWith(who.headers, mug.variantId, 1)
  t.same(codesOf(await put(who.headers, id, code)), ['orders.coupon_used_up'])
  await placedWith(code, buyer(bench))

  const guest = await bench.cartWith({}, mug.variantId, 1)
  await bench.couponIn({}, guest, code)
  const claimed = await bench.app.inject({
    method: 'POST',
    url: `/v1/carts/${guest.id}/claim`,
    headers: { ...who.headers, 'x-cart-token': String(guest.token) },
    payload: { strategy: 'sum' },
  })
  t.match(claimed.json(), {
    coupon: { isApplied: false, reasons: [{ code: 'orders.coupon_used_up' }] },
  })
})

test('the same checkout twice uses the coupon once', async t => {
  const { code, url } = await promote()
  const { headers } = buyer(bench)
  const filled = await bench.cartWith(headers, mug.variantId, 2)
  const cart = await bench.couponIn(headers, filled, code)
  const [first, second] = [
    await bench.checkout(headers, cart, 'the-same-key'),
    await bench.checkout(headers, cart, 'the-same-key'),
  ]
  t.equal(first.statusCode, 202)
  t.equal(first.body, second.body)
  t.equal(await usedCount(url), 1)
})

test('a cancelled order gives its use back once, and then somebody else may have it', async t => {
  const { id, code, url } = await promote({ usageLimit: 1, perCustomer: 1 })
  const { orderId, headers } = await placedWith(code)
  const next = buyer(bench)
  const waiting = await bench.cartWith(next.headers, mug.variantId, 2)
  t.same(codesOf(await put(next.headers, waiting.id, code)), ['orders.coupon_exhausted'])
  await sellOut(orderId, headers)
  t.equal(await usedCount(url), 0)
  const shortages = [{ variantId: mug.variantId, requestedCount: 2, availableCount: 0 }]
  await bench.publish(stockRejected.of({ orderId, shortages, refusals: [] }))
  await eventually(async () => {
    assert.equal((await bench.see(orderId)).happenings.at(-1).isIgnored, true)
  })
  t.equal(await usedCount(url), 0, 'what comes twice is given back once')
  const cart = await bench.couponIn(next.headers, waiting, code)
  t.equal((await bench.checkout(next.headers, cart)).statusCode, 202)
  t.equal(await usedCount(url), 1)
  t.equal((await told(id)).length, 2, 'each time that the limit is reached is told')
})

test('an order that its buyer cancels after it was confirmed gives its use back at its end', async t => {
  const { code, url } = await promote()
  const { orderId, headers, told: events } = await confirmed(bench, { coupon: code })
  const cancelled = await bench.post(`/v1/orders/${orderId}/cancel`, {}, headers)
  t.equal(cancelled.statusCode, 202)
  t.equal(await usedCount(url), 1, 'until stock and money are back it may still be needed')
  await bench.publish(events.released, events.voided)
  await bench.orderIn(headers, orderId, 'cancelled')
  t.equal(await usedCount(url), 0)
})

test('a total of 0 asks for no payment, and the order is confirmed', async t => {
  const { code, url } = await promote({ action: { kind: 'percent', percent: 100 } })
  const { orderId, headers } = await confirmed(bench, { coupon: code })
  t.same(await bench.emitted(orderId), [
    'order_placed',
    'stock_commit_requested',
    'order_confirmed',
  ])
  t.match(await get(`/v1/orders/${orderId}`, headers), {
    totals: { goods: eur(2_580), discount: eur(2_580), total: eur(0) },
  })
  const cancelled = await bench.post(`/v1/orders/${orderId}/cancel`, {}, headers)
  t.equal(cancelled.statusCode, 202, cancelled.body)
  t.equal((await bench.emitted(orderId)).at(-1), 'stock_release_requested', 'no money is asked for')
  t.equal(await usedCount(url), 1)
})

test('a discounted order that is returned unit by unit pays back exactly its total, and keeps its use', async t => {
  const { code, url } = await promote({ action: amountOff(500) })
  const made = await delivered(bench, { unitPrice: 999, quantity: 3, coupon: code })
  const { orderId, headers, intentId, ref } = made
  const amounts: number[] = []
  for (let unit = 1; unit <= 3; unit += 1) {
    const lines = [{ lineNo: 1, quantity: 1 }]
    const asked = await bench.post(
      `/v1/orders/${orderId}/returns`,
      { lines, reason: 'too small' },
      headers,
    )
    const back = `/v1/returns/${asked.json().id}`
    await bench.post(`${back}/approve`, {})
    const received = await bench.post(`${back}/receive`, {
      lines: [{ lineNo: 1, quantity: 1, restock: true }],
    })
    const { refundId, refundAmount } = received.json()
    amounts.push(refundAmount.amount)
    await bench.publish(
      refundSucceeded.of({
        intentId,
        ref,
        refundId: asId<RefundId>(refundId),
        amount: refundAmount,
      }),
    )
    await eventually(async () => assert.equal((await get(back)).state, 'closed'))
  }
  t.same(amounts, [833, 832, 832])
  t.match(await get(`/v1/orders/${orderId}`, headers), {
    totals: { total: eur(2_497) },
    refunded: eur(2_497),
  })
  t.equal(await usedCount(url), 1)
})

test('limits never go below what is used, and one that is reached by a change is told', async t => {
  const { id, code, url } = await promote({ usageLimit: 5 })
  const who = buyer(bench)
  await placedWith(code, who)
  await placedWith(code, who)
  const change = async (payload: object, etag: string) =>
    bench.app.inject({
      method: 'PATCH',
      url,
      headers: { ...bench.admin, 'if-match': etag },
      payload,
    })
  const refused = await change({ usageLimit: 1, perCustomer: 1 }, '"1"')
  t.equal(refused.statusCode, 409)
  t.same(
    problemOf(refused).reasons?.map(({ details }) => details),
    [
      { limit: 'usageLimit', usedCount: 2 },
      { limit: 'perCustomer', usedCount: 2 },
    ],
  )
  t.same(await told(id), [])
  const lowered = await change({ usageLimit: 2, perCustomer: 2 }, '"1"')
  t.match(lowered.json(), { usageLimit: 2, usedCount: 2 })
  t.match(await told(id), [{ payload: { usedCount: 2 } }])
})

function amountOff(amount: number) {
  return { kind: 'amount', amount: eur(amount) }
}
