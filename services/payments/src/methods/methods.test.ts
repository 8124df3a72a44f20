import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { asId, type PaymentMethodId, type UserId } from '@campus/contracts/ids'
import { newId } from '@campus/platform/new-id'
import { eventually } from '@campus/platform/testing/eventually'
import { problemOf } from '@campus/platform/testing/problem'
import { t as file, test } from 'tap'
import { open } from '../test-bench.ts'

file.setTimeout(120_000)
const bench = await open(file)
const url = '/v1/me/payment-methods'

type Headers = Record<string, string>
const headersOf = (userId: UserId): Headers => ({ ...bench.tokens.bearer({ userId }) })
const newcomer = () => headersOf(newId<UserId>())
const keep = async (headers: Headers, token: string) =>
  bench.inject({ method: 'POST', url, headers, payload: { token } })
const list = async (headers: Headers) => (await bench.inject({ url, headers })).json().data
const forget = async (headers: Headers, id: string) =>
  bench.inject({ method: 'DELETE', url: `${url}/${id}`, headers })

test('a card is kept once, shown by brand and last digits only, and forgotten', async t => {
  const [ada, eve] = [newcomer(), newcomer()]
  const kept = await keep(ada, 'tok_ok')
  t.equal(kept.statusCode, 201)
  t.match(kept.json(), { brand: 'visa', last4: /^\d{4}$/ })
  t.notMatch(kept.body, /tok_/)
  const again = await Promise.all(Array.from({ length: 5 }, () => keep(ada, 'tok_ok')))
  t.same(new Set(again.map(({ statusCode }) => statusCode)), new Set([200]))
  t.same(await list(ada), [kept.json()])
  t.same(await list(eve), [])
  t.equal((await forget(eve, kept.json().id)).statusCode, 404)
  t.equal((await forget(ada, kept.json().id)).statusCode, 204)
  t.equal((await forget(ada, kept.json().id)).statusCode, 404)
  t.same(await list(ada), [])
})

test('a card that the provider does not know is refused, and so is anything like a card number', async t => {
  const ada = newcomer()
  t.equal(problemOf(await keep(ada, 'tok_nobody')).code, 'payments.token_unknown')
  t.equal(problemOf(await keep(ada, '4242424242424242')).code, 'request.invalid')
})

test('a payment is confirmed by a kept card of its buyer, and by no other', async t => {
  const [order, other] = [await bench.ask(1_290), newcomer()]
  const own = (await keep(order.headers, 'tok_ok')).json().id
  const foreign = (await keep(other, 'tok_ok')).json().id
  const confirm = (paymentMethodId: string) =>
    bench.inject({
      method: 'POST',
      url: `/v1/payment-intents/${order.intentId}/confirm`,
      headers: { ...order.headers, 'idempotency-key': randomUUID(), prefer: 'wait=5' },
      payload: { paymentMethodId },
    })
  t.equal(problemOf(await confirm(foreign)).code, 'payments.method_unknown')
  t.equal((await confirm(own)).statusCode, 202)
  t.equal((await order.seeIn('authorized')).state, 'authorized')
})

test('a checkout that names a kept card is paid without another request', async () => {
  const userId = newId<UserId>()
  const kept = (await keep(headersOf(userId), 'tok_ok')).json().id
  const paymentMethodId = asId<PaymentMethodId>(kept)
  const order = await bench.ask(1_290, { userId, paymentMethodId })
  await eventually(async () => assert.equal((await order.see()).state, 'authorized'))
})

test('a checkout that names a card of nobody or of somebody else waits for a payment', async t => {
  const foreign = (await keep(newcomer(), 'tok_ok')).json().id
  for (const id of [foreign, randomUUID()]) {
    const paymentMethodId = asId<PaymentMethodId>(id)
    const order = await bench.ask(1_290, { paymentMethodId })
    t.equal((await order.see()).state, 'requires_payment')
    t.equal((await order.confirm('tok_ok')).statusCode, 202)
  }
})
