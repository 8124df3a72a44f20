import assert from 'node:assert/strict'
import { request as httpRequest } from 'node:http'
import type { Socket } from 'node:net'
import { sessionRevoked } from '@campus/contracts/events/users'
import type { SessionId } from '@campus/contracts/ids'
import { newId } from '@campus/platform/new-id'
import { eventually } from '@campus/platform/testing/eventually'
import { problemOf } from '@campus/platform/testing/problem'
import { createTcpProxy } from '@campus/platform/testing/tcp-proxy'
import { sql } from 'drizzle-orm'
import { t as file, test } from 'tap'
import { newOrderId, newReader, openBench } from '../test-bench.ts'
import { openStream } from '../test-stream.ts'

file.setTimeout(120_000)

// Only hints are fast enough here: nobody looks by itself before a test is over.
const bench = await openBench(file, { STREAM_LOOK_MS: '60000', STREAM_HEARTBEAT_SECONDS: '1' })

const headersOf = (userId: string, more: Record<string, string> = {}) => ({
  ...bench.tokens.bearer({ userId }),
  ...more,
})

test('a stream begins with the unread count, then tells what comes, in the words of the list', async t => {
  const ada = newReader()
  const stream = await openStream(t, bench.url, headersOf(ada.userId))
  t.equal(stream.headers.get('content-type'), 'text/event-stream; charset=utf-8')
  t.equal(stream.headers.get('cache-control'), 'no-store')
  t.same(await stream.heard('ready'), { unread: 0 })
  const orderId = newOrderId()
  await bench.publish(ada.profile(), ada.confirmed(orderId))
  const [told] = await stream.told(1)
  const headers = headersOf(ada.userId)
  const list = (await bench.app.inject({ url: '/v1/me/notifications', headers })).json()
  t.same(told?.data, list.data[0])
  t.same(await stream.heard('unread'), { unread: 1 })
})

test('a stream that is resumed tells what came meanwhile, in order, each once', async t => {
  const ada = newReader()
  const first = await openStream(t, bench.url, headersOf(ada.userId))
  await first.heard('ready')
  await bench.publish(ada.profile(), ada.cancelled(newOrderId()))
  const [seen] = await first.told(1)
  await first.close()

  const orders = Array.from({ length: 3 }, newOrderId)
  await bench.publish(...orders.map(orderId => ada.cancelled(orderId)))
  await bench.mailed(ada.email, 4)
  const resumed = await openStream(
    t,
    bench.url,
    headersOf(ada.userId, { 'last-event-id': seen?.id ?? '' }),
  )
  const missed = await resumed.told(3)
  const ids = missed.map(({ id }) => Number(id))
  t.same(
    ids,
    ids.toSorted((a, b) => a - b),
  )
  t.not(
    missed.some(({ data }) => data['id'] === seen?.data['id']),
    'what was seen is not repeated',
  )
  await bench.publish(ada.verified())
  await resumed.told(4)
})

test('a client that lost its connection before the first event resumes by the id of ready', async t => {
  const ada = newReader()
  const first = await openStream(t, bench.url, headersOf(ada.userId))
  await first.heard('ready')
  const id = first.received[0]?.id ?? ''
  await first.close()
  await bench.publish(ada.profile(), ada.verified())
  await bench.mailed(ada.email)
  const resumed = await openStream(t, bench.url, headersOf(ada.userId, { 'last-event-id': id }))
  await resumed.told(1)
})

test('more than a page that was missed is told completely', async t => {
  const ada = newReader()
  await bench.publish(ada.profile())
  await bench.publish(...Array.from({ length: 60 }, () => ada.cancelled(newOrderId())))
  await eventually(async () => {
    assert.equal((await bench.deliveriesTo(ada.userId)).length, 60)
  })
  const stream = await openStream(t, bench.url, headersOf(ada.userId, { 'last-event-id': '0' }))
  await stream.told(60)
})

test('an id that is nonsense, or of the future, begins with the present', async t => {
  const ada = newReader()
  await bench.publish(ada.profile(), ada.verified())
  await bench.mailed(ada.email)
  for (const id of ['-1', 'x', '999999999', '99999999999999999999']) {
    const stream = await openStream(t, bench.url, headersOf(ada.userId, { 'last-event-id': id }))
    t.same(await stream.heard('ready'), { unread: 1 })
    await eventually(() => assert.ok(stream.comments() > 0))
    t.same(stream.notifications(), [])
    await stream.close()
  }
})

test('a quiet stream sends a comment at every heartbeat', async t => {
  const stream = await openStream(t, bench.url, headersOf(newReader().userId))
  await eventually(() => assert.ok(stream.comments() >= 2))
})

test('what is read elsewhere is told to every stream of its reader', async t => {
  const ada = newReader()
  await bench.publish(ada.profile(), ada.verified())
  await bench.mailed(ada.email)
  const stream = await openStream(t, bench.url, headersOf(ada.userId))
  t.same(await stream.heard('ready'), { unread: 1 })
  await bench.app.inject({
    method: 'POST',
    url: '/v1/me/notifications/read-all',
    headers: headersOf(ada.userId),
  })
  t.same(await stream.heard('unread'), { unread: 0 })
})

test('nobody hears of others', async t => {
  const [ada, bob] = [newReader(), newReader()]
  const stream = await openStream(t, bench.url, headersOf(bob.userId))
  await stream.heard('ready')
  await bench.publish(ada.profile(), bob.profile(), ada.verified(), bob.verified())
  await bench.mailed(ada.email)
  const [told] = await stream.told(1)
  t.equal(told?.data['sourceType'], 'users.email_verified.v1')
  t.equal(stream.received.filter(({ event }) => event === 'notification').length, 1)
  t.equal((await openStream(t, bench.url, {})).status, 401)
})

test('a stream ends with its token', async t => {
  const almost = new Date(Date.now() - 598_500)
  const token = bench.tokens.token({ userId: newReader().userId }, almost)
  const stream = await openStream(t, bench.url, { authorization: `Bearer ${token}` })
  t.same(await stream.heard('end'), { reason: 'token_expired' })
  await eventually(() => assert.ok(stream.isOver()))
})

test('a stream ends with its session, and those of other sessions go on', async t => {
  const ada = newReader()
  const sid = newId<SessionId>()
  const stream = await openStream(t, bench.url, bench.tokens.bearer({ userId: ada.userId, sid }))
  const other = await openStream(t, bench.url, headersOf(ada.userId))
  await Promise.all([stream.heard('ready'), other.heard('ready')])
  await bench.publish(sessionRevoked.of({ userId: ada.userId, sid, cause: 'logout' }))
  t.same(await stream.heard('end', 5_000), { reason: 'session_ended' })
  await bench.publish(ada.profile(), ada.verified())
  await other.told(1)
})

test('a person has so many streams and no more; one that was closed makes room', async t => {
  const headers = headersOf(newReader().userId)
  const streams = await Promise.all(
    Array.from({ length: 8 }, async () => openStream(t, bench.url, headers)),
  )
  t.same(new Set(streams.map(({ status }) => status)), new Set([200]))
  const refused = await bench.app.inject({ url: '/v1/me/notifications/stream', headers })
  t.equal(problemOf(refused).code, 'notifications.too_many_streams')
  t.equal(refused.headers['retry-after'], '30')
  await streams[0]?.close()
  await eventually(async () => {
    const next = await openStream(t, bench.url, headers)
    assert.equal(next.status, 200)
  })
})

test('a reader that takes nothing costs no memory and is cut off when its token ends', async t => {
  const ada = newReader()
  const count = 60_000
  for (let first = 1; first <= count; first += 10_000) {
    await bench.postgres.read(tx =>
      tx.execute(sql`
        insert into notification (id, user_id, category, message, source_event_id, source_type, created_at, seq)
        select gen_random_uuid(), ${ada.userId}, 'security', '{"kind":"password_changed"}',
          gen_random_uuid(), 'users.password_changed.v1', now(), n
        from generate_series(${first}::int, ${first + 9_999}::int) n`),
    )
  }
  await bench.postgres.read(tx =>
    tx.execute(sql`insert into inbox_version (user_id, version) values (${ada.userId}, ${count})`),
  )
  const token = bench.tokens.token({ userId: ada.userId }, new Date(Date.now() - 597_000))
  const accepted = new Promise<Socket>(resolve => {
    bench.app.server.once('connection', resolve)
  })
  const stalled = httpRequest(`${bench.url}/v1/me/notifications/stream`, {
    agent: false,
    headers: { authorization: `Bearer ${token}`, 'last-event-id': '0' },
  })
  t.teardown(() => stalled.destroy())
  stalled.on('error', () => undefined)
  // Only what the buffers of the connection hold is ever taken.
  stalled.on('response', response => response.pause())
  stalled.end()
  const socket = await accepted
  await eventually(() => assert.ok(socket.destroyed))
  t.ok(socket.bytesWritten < 12_000_000, `${socket.bytesWritten} of more than 20,000,000 bytes`)
})

test('a notification that another replica makes arrives within 2 seconds', async t => {
  const other = await bench.replica({ STREAM_LOOK_MS: '60000' })
  const ada = newReader()
  // Partitions are shared out: of the streams at both replicas one is not where the event is handled.
  const streams = await Promise.all(
    [bench, other].map(async ({ url }) => openStream(t, url, headersOf(ada.userId))),
  )
  await Promise.all(streams.map(async stream => stream.heard('ready')))
  await bench.publish(ada.profile())
  for (const [index] of [1, 2, 3].entries()) {
    await bench.publish(ada.cancelled(newOrderId()))
    const where = await Promise.any(streams.map(async s => s.told(index + 1, 20_000)))
    t.equal(where.length, index + 1)
    await Promise.all(streams.map(async s => s.told(index + 1, 2_000)))
  }
  await other.stop()
})

test('without Redis it arrives by a look into the database, and the count is right', async t => {
  const proxy = await createTcpProxy(t, process.env['REDIS_URL'] ?? '')
  const alone = await openBench(t, { REDIS_URL: proxy.url, STREAM_LOOK_MS: '500' })
  const other = await alone.replica()
  const ada = newReader()
  const headers = alone.tokens.bearer({ userId: ada.userId })
  const unread = async () =>
    (await alone.app.inject({ url: '/v1/me/notifications/unread-count', headers })).json().count
  const streams = await Promise.all(
    [alone, other].map(async ({ url }) => openStream(t, url, headers)),
  )
  await Promise.all(streams.map(async stream => stream.heard('ready')))
  proxy.cut()
  await alone.publish(ada.profile(), ada.verified())
  await Promise.any(streams.map(async s => s.told(1, 20_000)))
  await Promise.all(streams.map(async s => s.told(1, 2_000)))
  t.equal(await unread(), 1)
  await alone.app.inject({ method: 'POST', url: '/v1/me/notifications/read-all', headers })
  t.equal(await unread(), 0)
})

test('a stop ends every stream at once, with a word', async t => {
  const other = await bench.replica()
  const stream = await openStream(t, other.url, headersOf(newReader().userId))
  await stream.heard('ready')
  const startedAt = performance.now()
  await other.stop()
  t.same(await stream.heard('end'), { reason: 'server_stopping' })
  t.ok(performance.now() - startedAt < 10_000)
})
