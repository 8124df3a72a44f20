import assert from 'node:assert/strict'
import { eventually } from '@campus/platform/testing/eventually'
import { t as file, test } from 'tap'
import { auditMesh } from '../tools/prove/audit-mesh.ts'
import { freshKey, mailsTo, mailTo } from '../tools/prove/client.ts'
import { startMesh } from '../tools/prove/mesh.ts'
import { joinCampus, type Person } from '../tools/prove/people.ts'
import {
  type Article,
  checkout,
  order,
  orderIn,
  pay,
  putOnSale,
  readOrder,
  untilCartsKnow,
} from '../tools/prove/shop.ts'

file.setTimeout(300_000)

test('the spine: from registration to the confirmation mail, over the gateway only', async t => {
  t.setTimeout(280_000)
  // Long enough for a test to act, short enough for a test to wait.
  const mesh = await startMesh(t, {
    CAMPUS_ORDERS_PAYMENT_TIMEOUT_SECONDS: '12',
    CAMPUS_ORDERS_TIMER_PERIOD_MS: '250',
    CAMPUS_PAYMENTS_PSP_TIMEOUT_MS: '500',
    CAMPUS_PAYMENTS_PSP_LATE_SUCCESS_MS: '1500',
    CAMPUS_PAYMENTS_PSP_LATE_REPEAT_MS: '1000',
  })
  const { client, admin, inboxUrl } = mesh
  const mug = await putOnSale(client, admin.token, {
    title: 'Campus mug',
    slug: 'campus-mug',
    label: 'blue',
    priceMinor: 1_290,
    units: 100,
  })
  await untilCartsKnow(client, mug)
  let people = 0
  const somebody = () => {
    people += 1
    return joinCampus(client, inboxUrl, {
      email: `buyer${people}@campus.example`,
      name: `Buyer ${people}`,
    })
  }
  const availableOf = async ({ variantId }: Article): Promise<number> =>
    (await client.must(200, 'GET', `/v1/variants/${variantId}/availability`)).body.available
  /** Places an order and waits until it can be paid. */
  const payable = async (buyer: Person, article = mug, quantity = 1) => {
    const orderId = await order(client, buyer.token, article, quantity)
    const placed = await orderIn(client, buyer.token, orderId, ['awaiting_payment'])
    const intentId = await eventually(async () => {
      const { payment } = await readOrder(client, buyer.token, orderId)
      assert.ok(payment.intentId)
      return payment.intentId
    })
    return { orderId, intentId, placed }
  }

  await t.test(
    'register → verify → login → browse → guest cart → claim → checkout → pay → mail',
    async t => {
      const shelf = await client.must(200, 'GET', '/v1/products?q=mug')
      t.match(shelf.body.data, [{ slug: 'campus-mug', priceFrom: { amount: 1_290 } }])
      const page = await client.must(200, 'GET', '/v1/products/campus-mug')
      const [{ id: variantId }] = page.body.variants
      const guest = (await client.must(201, 'POST', '/v1/carts')).body
      await client.must(200, 'PUT', `/v1/carts/${guest.id}/items/${variantId}`, {
        headers: { 'x-cart-token': guest.token },
        body: { quantity: 2 },
      })

      const buyer = await somebody()
      const claimed = await client.must(200, 'POST', `/v1/carts/${guest.id}/claim`, {
        token: buyer.token,
        headers: { 'x-cart-token': guest.token },
        body: { strategy: 'sum' },
      })
      const cart = {
        id: claimed.body.id,
        etag: claimed.headers.get('etag') ?? '',
        total: claimed.body.total,
      }
      const key = freshKey()
      const placed = await checkout(client, buyer.token, cart, { key, wait: 10 })
      t.equal(placed.status, 202, JSON.stringify(placed.body))
      const again = await checkout(client, buyer.token, cart, { key })
      t.same(again.body, placed.body, 'a retry with the same key gets the same answer')
      t.equal(again.headers.get('idempotent-replayed'), 'true')

      const location = placed.headers.get('location') ?? ''
      const { body: waiting } = await client.must(200, 'GET', location, { token: buyer.token })
      t.match(waiting, { state: 'awaiting_payment', totals: { total: { amount: 2_580 } } })
      const paid = await pay(client, buyer.token, waiting.payment.intentId, 'tok_ok')
      t.ok(paid.status < 300, JSON.stringify(paid.body))
      const confirmed = await client.must(200, 'GET', location, { token: buyer.token, wait: 10 })
      t.equal(confirmed.body.state, 'confirmed')
      const mail = await mailTo(inboxUrl, buyer.email, /confirmed/i)
      t.match(mail.Text, /Campus mug/)
      t.match(mail.Text, /25[.,]80/)
      t.equal(await availableOf(mug), 98)
      const history = await client.must(200, 'GET', '/v1/orders', { token: buyer.token })
      t.match(history.body.data, [{ id: placed.body.id, state: 'confirmed' }])
      const inApp = await eventually(async () => {
        const answer = await client.must(200, 'GET', '/v1/me/notifications', { token: buyer.token })
        assert.ok(answer.body.data.length > 0)
        return answer.body.data
      })
      t.ok(inApp)
      const stranger = await somebody()
      const foreign = await client.ask('GET', location, { token: stranger.token })
      t.equal(foreign.status, 404, 'somebody else sees no order at all')
      await client.must(200, 'GET', location, { token: admin.token })
    },
  )

  await t.test('declined twice, then paid', async t => {
    const buyer = await somebody()
    const { orderId, intentId } = await payable(buyer)
    for (const left of [2, 1]) {
      await pay(client, buyer.token, intentId, 'tok_declined')
      await eventually(async () => {
        const { payment } = await readOrder(client, buyer.token, orderId)
        assert.equal(payment.attemptsLeft, left)
        assert.equal(payment.declineCode, 'insufficient_funds')
      })
    }
    await pay(client, buyer.token, intentId, 'tok_ok')
    const done = await orderIn(client, buyer.token, orderId, ['confirmed'])
    t.equal(done.state, 'confirmed')
  })

  await t.test('declined for good: cancelled, stock back, mail', async t => {
    const buyer = await somebody()
    const before = await availableOf(mug)
    const { orderId, intentId } = await payable(buyer)
    await pay(client, buyer.token, intentId, 'tok_declined_final')
    const done = await orderIn(client, buyer.token, orderId, ['cancelled'])
    t.equal(done.reason, 'payment_declined')
    t.equal(await availableOf(mug), before)
    t.ok(await mailTo(inboxUrl, buyer.email, /cancelled/i))
    const late = await pay(client, buyer.token, intentId, 'tok_ok')
    t.equal(late.body.code, 'payments.intent_closed')
  })

  await t.test('out of stock: cancelled at once', async t => {
    const buyer = await somebody()
    const rare = await putOnSale(client, admin.token, {
      title: 'First edition',
      slug: 'first-edition',
      priceMinor: 99_900,
      units: 1,
    })
    await untilCartsKnow(client, rare)
    const orderId = await order(client, buyer.token, rare, 2)
    const done = await orderIn(client, buyer.token, orderId, ['cancelled'])
    t.equal(done.reason, 'out_of_stock')
    t.equal(await availableOf(rare), 1)
  })

  await t.test('cancelled while it waits for the payment', async t => {
    const buyer = await somebody()
    const before = await availableOf(mug)
    const { orderId } = await payable(buyer)
    const answer = await client.ask('POST', `/v1/orders/${orderId}/cancel`, {
      token: buyer.token,
      key: freshKey(),
      wait: 10,
    })
    t.ok([200, 202].includes(answer.status))
    const done = await orderIn(client, buyer.token, orderId, ['cancelled'])
    t.match(done, { reason: 'cancelled_by_customer', cancelledBy: { type: 'user' } })
    t.equal(await availableOf(mug), before)
  })

  await t.test('not paid in time: cancelled by its timer', async t => {
    const buyer = await somebody()
    const { orderId } = await payable(buyer)
    const done = await orderIn(client, buyer.token, orderId, ['cancelled'], 30_000)
    t.match(done, { reason: 'payment_timeout', cancelledBy: { type: 'timer' } })
  })

  await t.test('a provider that tells twice and late captures once', async t => {
    for (const card of ['tok_double_webhook', 'tok_timeout_then_success']) {
      const buyer = await somebody()
      const { orderId, intentId } = await payable(buyer)
      await pay(client, buyer.token, intentId, card, 1)
      const done = await orderIn(client, buyer.token, orderId, ['confirmed'], 20_000)
      t.equal(done.state, 'confirmed', card)
    }
  })

  await t.test('every account gets one welcome, and every order one mail', async t => {
    for (let n = 1; n <= people; n += 1) {
      const address = `buyer${n}@campus.example`
      await mailTo(inboxUrl, address, /welcome/i)
      const mails = await mailsTo(inboxUrl, address)
      const subjects = mails.map(({ Subject }) => Subject)
      t.equal(new Set(subjects).size, subjects.length, `${address}: ${subjects.join(', ')}`)
    }
  })

  await t.test('money, stock and events agree when all is quiet', async t => {
    t.same(await auditMesh(mesh), [])
  })
})
