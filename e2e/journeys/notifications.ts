import assert from 'node:assert/strict'
import type { Cleanup } from '@campus/platform/testing/cleanup'
import { eventually } from '@campus/platform/testing/eventually'
import type { Test } from 'tap'
import { mailsTo, mailTo } from '../../tools/prove/client.ts'
import type { Mesh } from '../../tools/prove/mesh.ts'
import { joinCampus } from '../../tools/prove/people.ts'
import {
  order,
  orderIn,
  pay,
  putOnSale,
  readOrder,
  untilCartsKnow,
} from '../../tools/prove/shop.ts'
import { openStream } from './open-stream.ts'

/** Keeps the events of somebody's notifications. */
async function openNotifications(
  t: Cleanup,
  gatewayUrl: string,
  who: { readonly token: string; readonly lastEventId?: string },
) {
  const stream = await openStream(t, `${gatewayUrl}/v1/me/notifications/stream`, who)
  return {
    ...stream,
    /** The notification of this kind of event, once it is there. */
    told: async (sourceType: string, timeoutMs = 20_000) =>
      eventually(
        () => {
          const found = stream.events().find(({ data }) => data.sourceType === sourceType)
          assert.ok(found, `no ${sourceType}`)
          return found
        },
        { timeoutMs },
      ),
  }
}

/** What happens to an order and to an account arrives on the stream, over the gateway. */
export async function notifications(t: Test, mesh: Mesh): Promise<void> {
  const { client, admin, inboxUrl } = mesh
  const mug = await putOnSale(client, admin.token, {
    title: 'Campus cup',
    slug: 'campus-cup',
    label: 'blue',
    priceMinor: 1_290,
    units: 100,
  })
  await untilCartsKnow(client, mug)
  const buyer = await joinCampus(client, inboxUrl, { email: 'ada@campus.example', name: 'Ada' })
  const payable = async () => {
    const orderId = await order(client, buyer.token, mug, 1)
    await orderIn(client, buyer.token, orderId, ['awaiting_payment'])
    const intentId = await eventually(async () => {
      const { payment } = await readOrder(client, buyer.token, orderId)
      assert.ok(payment.intentId)
      return payment.intentId
    })
    return { orderId, intentId }
  }

  await t.test('a declined and then a good payment, and the parcel', async t => {
    const stream = await openNotifications(t, client.gatewayUrl, { token: buyer.token })
    const { orderId, intentId } = await payable()
    await pay(client, buyer.token, intentId, 'tok_declined')
    const declined = await stream.told('payments.payment_declined.v1')
    t.match(declined.data, { category: 'orders', subject: { type: 'order', id: orderId } })
    await eventually(async () => {
      const { payment } = await readOrder(client, buyer.token, orderId)
      assert.equal(payment.attemptsLeft, 2)
    })
    await pay(client, buyer.token, intentId, 'tok_ok')
    const confirmed = await stream.told('orders.order_confirmed.v1')
    t.match(confirmed.data, { body: 'You paid €12.90.', subject: { id: orderId }, readAt: null })
    await stream.close()

    const { id = '' } = declined
    const resumed = await openNotifications(t, client.gatewayUrl, {
      token: buyer.token,
      lastEventId: id,
    })
    await resumed.told('orders.order_confirmed.v1', 5_000)
    t.notOk(
      resumed.events().some(({ data }) => data.sourceType === 'payments.payment_declined.v1'),
      'what was seen is not repeated',
    )
    await mailTo(inboxUrl, buyer.email, /confirmed/i)
  })

  await t.test('mails of orders that are switched off do not come; the stream goes on', async t => {
    const token = buyer.token
    const path = '/v1/me/notification-preferences'
    const { body, headers } = await client.must(200, 'GET', path, { token })
    const preferences = { ...body.preferences, orders: { mail: false, in_app: true } }
    const ifMatch = headers.get('etag') ?? ''
    await client.must(200, 'PUT', path, { token, body: { preferences }, ifMatch })
    const before = await mailsTo(inboxUrl, buyer.email)
    const stream = await openNotifications(t, client.gatewayUrl, { token })
    const { intentId } = await payable()
    await pay(client, token, intentId, 'tok_ok')
    await stream.told('orders.order_confirmed.v1')
    const { user } = (
      await client.must(200, 'POST', '/v1/auth/login', {
        body: { email: buyer.email, password: buyer.password },
      })
    ).body
    await client.must(200, 'POST', `/v1/users/${user.id}/suspend`, {
      token: admin.token,
      body: { code: 'payment_fraud' },
    })
    await mailTo(inboxUrl, buyer.email, /suspended/i)
    const after = await mailsTo(inboxUrl, buyer.email)
    t.equal(after.length, before.length + 1, 'only news of security have come')
    await eventually(() => assert.ok(stream.events().some(({ event }) => event === 'end')))
    await eventually(
      async () => {
        assert.equal((await client.ask('GET', '/v1/me', { token })).status, 401)
      },
      { timeoutMs: 5_000 },
    )
  })
}
