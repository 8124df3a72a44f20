import assert from 'node:assert/strict'
import { sessionAccessRevoked } from '@campus/contracts/events/users'
import type { SessionId } from '@campus/contracts/ids'
import { newId } from '@campus/platform/new-id'
import { eventually } from '@campus/platform/testing/eventually'
import { problemOf } from '@campus/platform/testing/problem'
import { t as file, test } from 'tap'
import { buyer, confirmed, delivered, open } from '../test-bench.ts'
import { watch } from '../test-stream.ts'

file.setTimeout(180_000)

const settings = { STREAM_HEARTBEAT_SECONDS: '1', STREAM_LOOK_MS: '200', STREAMS_PER_USER_MAX: '3' }
const bench = await open(file, settings)
const parcel = { lines: [{ lineNo: 1, quantity: 1 }] }

test('a stream shows an order at once and after each change, as it is read elsewhere', async t => {
  const { orderId, headers } = await confirmed(bench)
  const stream = await watch(t, bench.url, orderId, headers)
  t.equal(stream.headers.get('content-type'), 'text/event-stream; charset=utf-8')
  t.equal(stream.headers.get('cache-control'), 'no-store')
  const first = await stream.shown('confirmed')
  const read = await bench.app.inject({ url: `/v1/orders/${orderId}`, headers })
  t.same(first.data, read.json())
  t.equal(first.id, String(read.json().version))
  await bench.post(`/v1/orders/${orderId}/fulfillments`, parcel)
  await eventually(() => {
    const { data } = stream.received.at(-1) ?? {}
    assert.match(JSON.stringify(data), /"shippedCount":1/)
  })
  const versions = stream.received.map(({ id }) => Number(id))
  t.same(
    versions,
    [...new Set(versions)].toSorted((a, b) => a - b),
    'no version comes twice',
  )
})

test('a stream that is resumed shows what changed meanwhile, and nothing that was seen', async t => {
  const { orderId, headers } = await confirmed(bench)
  const first = await watch(t, bench.url, orderId, headers)
  const { id = '' } = await first.shown('confirmed')
  await first.close()
  const same = await watch(t, bench.url, orderId, { ...headers, 'last-event-id': id })
  await eventually(() => assert.ok(same.comments() > 0))
  t.same(same.received, [])
  await same.close()
  await bench.post(`/v1/orders/${orderId}/fulfillments`, parcel)
  const resumed = await watch(t, bench.url, orderId, { ...headers, 'last-event-id': id })
  const shown = await resumed.shown('confirmed')
  t.ok(Number(shown.id) > Number(id))
  for (const nonsense of ['x', '-1', '999999999', '99999999999999999999']) {
    const stream = await watch(t, bench.url, orderId, { ...headers, 'last-event-id': nonsense })
    await stream.shown('confirmed')
    await stream.close()
  }
})

test('a stream ends with its order, and nobody who has seen the end is asked to come again', async t => {
  const { orderId, headers, told } = await confirmed(bench)
  const stream = await watch(t, bench.url, orderId, headers)
  await stream.shown('confirmed')
  await bench.post(`/v1/orders/${orderId}/cancel`, {}, headers)
  await stream.shown('cancelling')
  await bench.publish(told.released, told.voided)
  const { id = '' } = await stream.shown('cancelled')
  t.equal(await stream.ended(), 'order_ended')
  await eventually(() => assert.ok(stream.isOver()))
  const again = await watch(t, bench.url, orderId, { ...headers, 'last-event-id': id })
  t.equal(again.status, 204)
  const fresh = await watch(t, bench.url, orderId, headers)
  await fresh.shown('cancelled')
  t.equal(await fresh.ended(), 'order_ended')
})

test('a completed order is watched as long as a return of it is open', async t => {
  const { orderId, headers } = await delivered(bench)
  const made = await bench.post(
    `/v1/orders/${orderId}/returns`,
    { ...parcel, reason: 'too small' },
    headers,
  )
  const stream = await watch(t, bench.url, orderId, headers)
  t.match(await stream.shown('completed'), { data: { returns: [{ state: 'requested' }] } })
  await bench.post(`/v1/returns/${made.json().id}/reject`, { reason: 'no' })
  t.equal(await stream.ended(), 'order_ended')
  t.match(stream.received.at(-2), { data: { returns: [{ state: 'rejected' }] } })
})

test('what another replica changes is shown', async t => {
  const other = await bench.replica()
  const { orderId, headers } = await confirmed(bench)
  const streams = await Promise.all(
    [bench, other].map(async ({ url }) => watch(t, url, orderId, headers)),
  )
  await Promise.all(streams.map(async stream => stream.shown('confirmed')))
  await bench.post(`/v1/orders/${orderId}/cancel`, {}, headers)
  await Promise.all(streams.map(async stream => stream.shown('cancelling', 3_000)))
  await other.stop()
  t.equal(await streams[1]?.ended(), 'server_stopping')
})

test('orders of others cannot be watched, staff watches any', async t => {
  const { orderId, headers } = await confirmed(bench)
  t.equal((await watch(t, bench.url, orderId, buyer(bench).headers)).status, 404)
  t.equal((await watch(t, bench.url, orderId, {})).status, 401)
  for (const caller of [headers, bench.admin]) {
    const stream = await watch(t, bench.url, orderId, caller)
    await stream.shown('confirmed')
    await stream.close()
  }
})

test('a stream ends with its token', async t => {
  const made = await confirmed(bench)
  const almost = new Date(Date.now() - 598_500)
  const token = bench.tokens.token({ userId: made.userId }, almost)
  const stream = await watch(t, bench.url, made.orderId, { authorization: `Bearer ${token}` })
  t.equal(await stream.ended(), 'token_expired')
  await eventually(() => assert.ok(stream.isOver()))
})

test('a stream ends with its session, and those of other sessions go on', async t => {
  const { orderId, userId, headers } = await confirmed(bench)
  const sid = newId<SessionId>()
  const stream = await watch(t, bench.url, orderId, bench.tokens.bearer({ userId, sid }))
  const other = await watch(t, bench.url, orderId, headers)
  await Promise.all([stream.shown('confirmed'), other.shown('confirmed')])
  const until = new Date(Date.now() + 600_000).toISOString()
  await bench.publish(
    sessionAccessRevoked.of({
      sid,
      userId,
      notBeforeAt: new Date().toISOString(),
      untilAt: until,
      cause: 'logout',
    }),
  )
  t.equal(await stream.ended(5_000), 'session_ended')
  await bench.post(`/v1/orders/${orderId}/cancel`, {}, headers)
  await other.shown('cancelling')
})

test('a person has so many streams and no more; one that was closed makes room', async t => {
  const { orderId, headers } = await confirmed(bench)
  const streams = await Promise.all(
    [1, 2, 3].map(async () => watch(t, bench.url, orderId, headers)),
  )
  t.ok(streams.every(({ status }) => status === 200))
  const refused = await bench.app.inject({ url: `/v1/orders/${orderId}/stream`, headers })
  t.equal(problemOf(refused).code, 'orders.too_many_streams')
  t.equal(refused.headers['retry-after'], '30')
  await streams[0]?.close()
  await eventually(async () => {
    const next = await watch(t, bench.url, orderId, headers)
    assert.equal(next.status, 200)
  })
})
