import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { refundFailed, refundSucceeded } from '@campus/contracts/events/payments'
import { asId, type RefundId } from '@campus/contracts/ids'
import { eventually } from '@campus/platform/testing/eventually'
import { problemOf } from '@campus/platform/testing/problem'
import { sql } from 'drizzle-orm'
import { t as file, test } from 'tap'
import { buyer, confirmed, delivered, eur, open } from './test-bench.ts'

file.setTimeout(180_000)

const bench = await open(file)

const wish = (quantity: number) => ({ lines: [{ lineNo: 1, quantity }], reason: 'too small' })
const arrived = (quantity: number, restock = true) => ({
  lines: [{ lineNo: 1, quantity, restock }],
})
type Headers = Record<string, string>

const ask = (orderId: string, headers: Headers, quantity = 1) =>
  bench.post(`/v1/orders/${orderId}/returns`, wish(quantity), headers)
const get = async (url: string, headers: Headers = bench.admin) =>
  (await bench.app.inject({ url, headers })).json()
const codesOf = async (orderId: string): Promise<string[]> =>
  (await get(`/v1/orders/${orderId}/timeline?limit=100`)).data.map(
    ({ code }: { code: string }) => code,
  )
const returnIn = async (id: string, state: string) =>
  eventually(async () => {
    const found = await get(`/v1/returns/${id}`)
    assert.equal(found.state, state)
    return found
  })

/** A return that staff has agreed to. */
async function approved(orderId: string, headers: Headers, quantity = 1) {
  const asked = await ask(orderId, headers, quantity)
  assert.equal(asked.statusCode, 201, asked.body)
  const id: string = asked.json().id
  const answer = await bench.post(`/v1/returns/${id}/approve`, {})
  assert.equal(answer.statusCode, 200, answer.body)
  return { id, answer: answer.json(), url: `/v1/returns/${id}` }
}

/** What payments answers about the refund of a return. */
const outcomes = (made: Awaited<ReturnType<typeof delivered>>, refundId: string) => {
  const about = { intentId: made.intentId, ref: made.ref, refundId: asId<RefundId>(refundId) }
  return {
    succeeded: (amount: number) => refundSucceeded.of({ ...about, amount: eur(amount) }),
    failed: refundFailed.of({ ...about, code: 'provider_silent', final: true }),
  }
}

test('goods are asked about, agreed to, received, paid back and closed, and everybody is told', async t => {
  const made = await delivered(bench)
  const { orderId, headers, variantId } = made
  const asked = await ask(orderId, headers)
  t.equal(asked.statusCode, 201, asked.body)
  const { id } = asked.json()
  t.equal(asked.headers['location'], `/v1/returns/${id}`)
  t.match(asked.json(), { state: 'requested', orderId, lines: [{ lineNo: 1, quantity: 1 }] })

  const agreed = await bench.post(`/v1/returns/${id}/approve`, {})
  t.match(agreed.json(), { state: 'approved' })
  const received = await bench.post(`/v1/returns/${id}/receive`, arrived(1))
  t.equal(received.statusCode, 200, received.body)
  t.match(received.json(), { state: 'refunding', refundAmount: eur(1_290) })
  const { refundId } = received.json()

  const succeeded = outcomes(made, refundId).succeeded(1_290)
  await bench.publish(succeeded, succeeded)
  const closed = await returnIn(id, 'closed')
  t.ok(closed.closedAt)
  t.match(await get(`/v1/orders/${orderId}`, headers), {
    state: 'completed',
    refunded: eur(1_290),
    refunds: [{ id: refundId, cause: 'return', state: 'succeeded' }],
    returns: [{ id, state: 'closed' }],
  })
  await eventually(async () => {
    const { happenings } = await bench.see(orderId)
    assert.equal(happenings.at(-1).isIgnored, true)
  })
  const told = (await bench.events(orderId)).slice(-6)
  t.same(
    told.map(({ type }) => type),
    [
      'return_requested',
      'return_approved',
      'return_received',
      'refund_requested',
      'order_refunded',
      'return_closed',
    ],
  )
  const line = { lineNo: 1, variantId, quantity: 1 }
  t.match(told[1]?.payload, { returnId: id, lines: [line], refundAmount: eur(1_290) })
  t.match(told[2]?.payload, { lines: [{ ...line, restock: true }] })
  t.match(told[3]?.payload, { returnId: id, refundId, amount: eur(1_290) })
  t.match(told[4]?.payload, { cause: 'return' })
  t.match(told[5]?.payload, { lines: [line], refundAmount: eur(1_290) })
  t.same(
    (await codesOf(orderId)).slice(-6),
    told.map(({ type }) => type),
  )
})

test('of returns of the same units that are asked for at once, one wins', async t => {
  const { orderId, headers } = await delivered(bench)
  const answers = await Promise.all(
    Array.from({ length: 10 }, async () => ask(orderId, headers, 2)),
  )
  t.equal(answers.filter(({ statusCode }) => statusCode === 201).length, 1)
  for (const answer of answers) {
    if (answer.statusCode !== 201) t.equal(problemOf(answer).code, 'orders.units_not_left')
  }
})

test('what arrives is paid back once, however often it is received at once', async t => {
  const { orderId, headers } = await delivered(bench)
  const { url } = await approved(orderId, headers, 2)
  const answers = await Promise.all(
    Array.from({ length: 5 }, async () => bench.post(`${url}/receive`, arrived(2))),
  )
  t.equal(answers.filter(({ statusCode }) => statusCode === 200).length, 1)
  for (const answer of answers) {
    if (answer.statusCode !== 200) t.equal(problemOf(answer).code, 'orders.return_not_approved')
  }
  const asked = (await bench.emitted(orderId)).filter(type => type === 'refund_requested')
  t.equal(asked.length, 1)
})

test('the same request twice makes one return, and the same decision twice is one', async t => {
  const { orderId, headers } = await delivered(bench)
  const once = { ...headers, 'idempotency-key': randomUUID() }
  const answers = [await ask(orderId, once), await ask(orderId, once)]
  t.equal(answers[0]?.body, answers[1]?.body)
  t.equal((await get(`/v1/orders/${orderId}/returns`, headers)).data.length, 1)
  const id: string = answers[0]?.json().id
  const asAdmin = { ...bench.admin, 'idempotency-key': randomUUID() }
  const decide = async () => bench.post(`/v1/returns/${id}/approve`, {}, asAdmin)
  t.equal((await decide()).body, (await decide()).body)
  t.equal((await codesOf(orderId)).filter(code => code === 'return_approved').length, 1)
  const again = await bench.post(`/v1/returns/${id}/approve`, {})
  t.equal(problemOf(again).code, 'orders.return_not_requested')
})

test('a return is refused with every reason, and nothing is told', async t => {
  const { orderId, headers } = await confirmed(bench)
  const refused = await bench.post(
    `/v1/orders/${orderId}/returns`,
    { ...wish(1), lines: [...wish(1).lines, { lineNo: 7, quantity: 1 }] },
    headers,
  )
  t.equal(refused.statusCode, 409)
  t.same(
    problemOf(refused).reasons?.map(({ code }) => code),
    ['orders.line_not_delivered', 'orders.line_unknown'],
  )
  t.equal((await bench.emitted(orderId)).at(-1), 'order_confirmed')
})

test('after its last day a line stays with its buyer', async t => {
  const { orderId, headers } = await delivered(bench)
  await bench.postgres.read(tx =>
    tx.execute(sql`
      update orders set progress =
        jsonb_set(progress, '{0,deliveredAt}', to_jsonb('2026-01-01T00:00:00.000Z'::text))
      where id = ${orderId}`),
  )
  const refused = await ask(orderId, headers)
  t.equal(problemOf(refused).code, 'orders.return_too_late')
})

test('a return is seen by its owner and staff; only the owner asks and only staff decides', async t => {
  const { orderId, headers } = await delivered(bench)
  const { headers: stranger } = buyer(bench)
  t.equal((await ask(orderId, stranger)).statusCode, 404)
  t.equal((await ask(orderId, bench.admin)).statusCode, 404)
  const { id } = (await ask(orderId, headers)).json()
  const url = `/v1/returns/${id}`
  for (const caller of [headers, bench.admin]) t.equal((await get(url, caller)).id, id)
  for (const path of [url, `/v1/orders/${orderId}/returns`]) {
    const hidden = await bench.app.inject({ url: path, headers: stranger })
    t.equal(hidden.statusCode, 404)
  }
  for (const [path, body] of [
    ['approve', {}],
    ['reject', { reason: 'no' }],
    ['receive', arrived(1)],
  ] as const) {
    const refused = await bench.post(`${url}/${path}`, body, headers)
    t.equal(problemOf(refused).code, 'auth.role_missing')
  }
  t.equal((await bench.app.inject({ url: '/v1/returns', headers })).statusCode, 403)
})

test('a return that is turned down says why, and its units may be asked about again', async t => {
  const { orderId, headers } = await delivered(bench)
  const { id } = (await ask(orderId, headers, 2)).json()
  const rejected = await bench.post(`/v1/returns/${id}/reject`, { reason: 'It was worn.' })
  t.match(rejected.json(), { state: 'rejected', rejection: 'It was worn.' })
  const twice = await bench.post(`/v1/returns/${id}/reject`, { reason: 'No.' })
  t.equal(problemOf(twice).code, 'orders.return_not_rejectable')
  t.equal(
    problemOf(await bench.post(`/v1/returns/${id}/approve`, {})).code,
    'orders.return_not_requested',
  )
  // Also one that was agreed to and never came.
  const { url } = await approved(orderId, headers, 2)
  t.equal((await bench.post(`${url}/reject`, { reason: 'It never came.' })).statusCode, 200)
  t.equal((await ask(orderId, headers, 2)).statusCode, 201)
})

test('a refund that fails for good keeps the return open and the order in sight, until it is asked again', async t => {
  const made = await delivered(bench)
  const { orderId, headers } = made
  const { id, url } = await approved(orderId, headers, 2)
  const { refundId } = (await bench.post(`${url}/receive`, arrived(2))).json()
  const { failed, succeeded } = outcomes(made, refundId)
  await bench.publish(failed)
  await eventually(async () => assert.ok((await bench.see(orderId)).stuckAt))
  t.equal((await get(url)).state, 'refunding')
  t.equal((await bench.post(`/v1/sagas/${orderId}/retry`, {})).statusCode, 202)
  await bench.publish(succeeded(2_580))
  await returnIn(id, 'closed')
  // What comes too late changes nothing.
  await bench.publish(failed)
  await eventually(async () => {
    const { happenings, stuckAt } = await bench.see(orderId)
    assert.equal(happenings.at(-1).event, 'refund_failed')
    assert.equal(stuckAt, undefined)
  })
  t.equal((await get(url)).state, 'closed')
})

test('after a lower price the returns of a line pay back the rest of it, to the cent', async t => {
  const made = await delivered(bench, { unitPrice: 334, quantity: 3 })
  const { orderId, headers } = made
  const lowered = await bench.post(`/v1/orders/${orderId}/refunds`, {
    lines: [{ lineNo: 1, amount: eur(2) }],
    reason: 'scratched',
  })
  await bench.publish(outcomes(made, lowered.json().id).succeeded(2))
  const amounts: number[] = []
  for (const quantity of [1, 2]) {
    const { id, url } = await approved(orderId, headers, quantity)
    const answer = (await bench.post(`${url}/receive`, arrived(quantity))).json()
    amounts.push(answer.refundAmount.amount)
    await bench.publish(outcomes(made, answer.refundId).succeeded(answer.refundAmount.amount))
    await returnIn(id, 'closed')
  }
  t.same(amounts, [334, 666])
  t.match(await get(`/v1/orders/${orderId}`, headers), { refunded: eur(1_002) })
})

test('goods that staff has paid back before they arrive close their return without a refund', async t => {
  const { orderId, headers } = await delivered(bench)
  const { url } = await approved(orderId, headers, 2)
  const refunded = await bench.post(`/v1/orders/${orderId}/refunds`, {
    lines: [{ lineNo: 1, amount: eur(2_580) }],
    reason: 'kind',
  })
  t.equal(refunded.statusCode, 202, refunded.body)
  const received = await bench.post(`${url}/receive`, arrived(2, false))
  t.match(received.json(), { state: 'closed', refundAmount: eur(0) })
  t.equal((await bench.emitted(orderId)).at(-1), 'return_closed')
})

test('what arrives in two conditions is told so, and what did not arrive may be returned again', async t => {
  const { orderId, headers } = await delivered(bench, { quantity: 4 })
  const { url } = await approved(orderId, headers, 4)
  const received = await bench.post(`${url}/receive`, {
    lines: [...arrived(1).lines, ...arrived(2, false).lines],
  })
  t.match(received.json(), { refundAmount: eur(3_870) })
  const told = (await bench.events(orderId)).find(({ type }) => type === 'return_received')
  t.match(told?.payload, {
    lines: [
      { quantity: 1, restock: true },
      { quantity: 2, restock: false },
    ],
  })
  t.equal(problemOf(await ask(orderId, headers, 2)).code, 'orders.units_not_left')
  t.equal((await ask(orderId, headers, 1)).statusCode, 201)
})

test('a course is paid back as soon as staff agrees, and closes with its refund', async t => {
  const made = await delivered(bench, { kind: 'course', unitPrice: 4_900, quantity: 1 })
  const { orderId, headers } = made
  const { id, answer, url } = await approved(orderId, headers)
  t.match(answer, { state: 'refunding', refundAmount: eur(4_900) })
  t.equal(
    problemOf(await bench.post(`${url}/receive`, arrived(1))).code,
    'orders.return_not_approved',
  )
  await bench.publish(outcomes(made, answer.refundId).succeeded(4_900))
  await returnIn(id, 'closed')
})

test('a course that cost nothing is given back at once, and whoever opened it is told', async t => {
  const made = await delivered(bench, { kind: 'course', unitPrice: 0, quantity: 1 })
  const { orderId, headers } = made
  const { answer } = await approved(orderId, headers)
  t.match(answer, { state: 'closed', refundAmount: eur(0) })
  t.same((await bench.emitted(orderId)).slice(-3), [
    'return_approved',
    'order_refunded',
    'return_closed',
  ])
})

test('staff finds the returns that wait for it, page by page', async t => {
  const alone = await open(t)
  const made = await Promise.all([1, 2, 3].map(async () => delivered(alone)))
  const ids: string[] = []
  for (const { orderId, headers } of made) {
    const asked = await alone.post(`/v1/orders/${orderId}/returns`, wish(1), headers)
    ids.unshift(asked.json().id)
  }
  await alone.post(`/v1/returns/${ids[1]}/reject`, { reason: 'no' })
  const list = async (query: string) =>
    (await alone.app.inject({ url: `/v1/returns?${query}`, headers: alone.admin })).json()
  const first = await list('limit=2')
  const second = await list(`limit=2&cursor=${first.page.next}`)
  const seen = [...first.data, ...second.data].map(({ id }: { id: string }) => id)
  t.same(seen, ids)
  t.same(
    (await list('status=requested')).data.map(({ id }: { id: string }) => id),
    [ids[0], ids[2]],
  )
  const foreign = await alone.app.inject({
    url: `/v1/returns?status=requested&cursor=${first.page.next}`,
    headers: alone.admin,
  })
  t.equal(problemOf(foreign).code, 'request.cursor_invalid')
})
