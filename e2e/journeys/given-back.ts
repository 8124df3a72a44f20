import assert from 'node:assert/strict'
import { eventually } from '@campus/platform/testing/eventually'
import type { Test } from 'tap'
import { freshKey } from '../../tools/prove/client.ts'
import type { Mesh } from '../../tools/prove/mesh.ts'
import { joinCampus } from '../../tools/prove/people.ts'
import {
  checkout,
  fillCart,
  orderIn,
  pay,
  putOnSale,
  untilCartsKnow,
} from '../../tools/prove/shop.ts'
import { openStream } from './open-stream.ts'

/** Bought with a coupon and sent to an address, watched on the order's stream, and given back in part. */
export async function givenBack(t: Test, { client, admin, inboxUrl }: Mesh): Promise<void> {
  const book = await putOnSale(client, admin.token, {
    title: 'Campus book',
    slug: 'campus-book',
    priceMinor: 2_000,
    units: 10,
  })
  await untilCartsKnow(client, book)
  const action = { kind: 'percent', percent: 10 }
  await client.must(201, 'POST', '/v1/promotions', {
    token: admin.token,
    body: { code: 'WELCOME', name: 'For new readers', action },
  })
  const { token } = await joinCampus(client, inboxUrl, { email: 'rae@campus.example', name: 'Rae' })
  const lines = [{ lineNo: 1, quantity: 1 }]

  const cart = await fillCart(client, token, book, 2)
  const coupon = await client.must(200, 'PUT', `/v1/carts/${cart.id}/coupons/WELCOME`, { token })
  t.equal(coupon.body.total.amount, 3_600)
  const { body: address } = await client.must(201, 'POST', '/v1/me/addresses', {
    token,
    body: { name: 'Rae', line1: 'Campus 1', city: 'Berlin', country: 'DE' },
  })
  const placed = await checkout(
    client,
    token,
    { id: cart.id, etag: coupon.headers.get('etag') ?? '', total: coupon.body.total },
    { wait: 10, addressId: address.id },
  )
  t.equal(placed.status, 202, JSON.stringify(placed.body))
  const orderId: string = placed.body.id
  const waiting = await orderIn(client, token, orderId, ['awaiting_payment'])
  t.match(waiting, { addressId: address.id, coupon: 'WELCOME' })
  const stream = await openStream(t, `${client.gatewayUrl}/v1/orders/${orderId}/stream`, { token })
  await pay(client, token, waiting.payment.intentId, 'tok_ok')
  await orderIn(client, token, orderId, ['confirmed'])

  const asStaff = (path: string, body?: object) =>
    client.ask('POST', path, { token: admin.token, key: freshKey(), ...(body && { body }) })
  const parcel = await asStaff(`/v1/orders/${orderId}/fulfillments`, {
    lines: [{ lineNo: 1, quantity: 2 }],
  })
  t.equal(parcel.status, 201, JSON.stringify(parcel.body))
  await asStaff(`/v1/fulfillments/${parcel.body.id}/deliver`)
  await orderIn(client, token, orderId, ['completed'])
  const asked = await client.must(201, 'POST', `/v1/orders/${orderId}/returns`, {
    token,
    key: freshKey(),
    body: { lines, reason: 'One is enough' },
  })
  const path = `/v1/returns/${asked.body.id}`
  t.equal((await asStaff(`${path}/approve`)).status, 200)
  const received = { lines: [{ lineNo: 1, quantity: 1, restock: true }] }
  t.ok((await asStaff(`${path}/receive`, received)).status < 300)
  await eventually(
    async () => {
      const { body } = await client.must(200, 'GET', path, { token })
      assert.equal(body.state, 'closed', JSON.stringify(body))
      assert.equal(body.refundAmount.amount, 1_800)
    },
    { timeoutMs: 20_000 },
  )
  const stock = `/v1/variants/${book.variantId}/availability`
  await eventually(async () => {
    assert.equal((await client.must(200, 'GET', stock)).body.available, 9)
  })

  await eventually(() => assert.equal(stream.events().at(-1)?.event, 'end'))
  const seen = stream.events().flatMap(({ data }) => data.state ?? [])
  t.match(seen.join(' '), /awaiting_payment .*confirmed .*completed/)
  const { body: timeline } = await client.must(200, 'GET', `/v1/orders/${orderId}/timeline`, {
    token,
  })
  const codes = new Set(timeline.data.map(({ code }: { code: string }) => code))
  for (const code of ['order_placed', 'order_confirmed', 'order_completed']) {
    t.ok(codes.has(code), `${code} in ${[...codes].join(', ')}`)
  }
}
