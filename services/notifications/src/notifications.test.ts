import assert from 'node:assert/strict'
import { header } from '@campus/contracts/envelope'
import { eventually } from '@campus/platform/testing/eventually'
import { problemOf } from '@campus/platform/testing/problem'
import { sql } from 'drizzle-orm'
import { t as file, test } from 'tap'
import { newOrderId, newReader, openBench } from './test-bench.ts'

const bench = await openBench(file)

test('a confirmed order is told once by mail and once in the product', async t => {
  const ada = newReader()
  const orderId = newOrderId()
  await bench.publish(ada.profile())
  const [told] = await bench.publish(ada.confirmed(orderId))
  assert.ok(told)
  const [mail] = await bench.mailed(ada.email)
  const short = orderId.slice(-8).toUpperCase()
  t.equal(mail?.Subject, `Order ${short} confirmed`)
  t.match(mail?.Text, /2 × Campus mug: €25\.80/)
  t.match(mail?.Text, /Shipping: €4\.90\nTotal: €30\.70/)
  t.notMatch(mail?.Text, /Discount/)
  t.match(mail?.HTML, /<td>2 × Campus mug<\/td>/)

  await bench.republish(told)
  await bench.publish(ada.cancelled(newOrderId()))
  await bench.mailed(ada.email, 2)
  const headers = bench.tokens.bearer({ userId: ada.userId })
  const { data } = (await bench.app.inject({ url: '/v1/me/notifications', headers })).json()
  t.match(data, [
    { category: 'orders', sourceType: 'orders.order_cancelled.v1' },
    {
      category: 'orders',
      title: `Order ${short} confirmed`,
      body: 'You paid €30.70.',
      subject: { type: 'order', id: orderId },
      readAt: null,
    },
  ])
  t.equal(data.length, 2)
  await eventually(async () => {
    const types = await bench.emitted(ada.userId)
    assert.deepEqual(types.toSorted(), [
      'delivery_succeeded',
      'delivery_succeeded',
      'notification_created',
      'notification_created',
    ])
  })
})

test('the Message-ID of a mail is that of its effect', async t => {
  const ada = newReader()
  await bench.publish(ada.profile(), ada.verified())
  const [mail] = await bench.mailed(ada.email)
  const [delivery] = await bench.deliveriesTo(ada.userId)
  const { rows } = await bench.postgres.read(tx =>
    tx.execute(sql`select id, payload from effect where dedupe_key = ${`mail:${delivery?.id}`}`),
  )
  t.match(mail?.MessageID, new RegExp(String(rows[0]?.['id'])))
  t.same(Object.keys(Object(rows[0]?.['payload'])), ['deliveryId'], 'effects hold no address')
})

test('an event that comes before the profile is told once the profile has come', async t => {
  const ada = newReader()
  const other = newReader()
  await bench.publish(ada.verified(), ada.confirmed(newOrderId()))
  await bench.publish(other.profile(), other.verified())
  await bench.mailed(other.email)
  await eventually(async () => {
    const states = (await bench.deliveriesTo(ada.userId)).map(({ state }) => state)
    assert.deepEqual(states, ['waiting', 'waiting'])
  })
  await bench.publish(ada.profile())
  const subjects = (await bench.mailed(ada.email, 2)).map(mail => mail.Subject)
  t.ok(subjects.includes('Welcome to Campus'))
})

test('a mail whose address never arrives is given up and told of', async t => {
  const hasty = await openBench(t, { PROFILE_WAIT_SECONDS: '1' })
  const ada = newReader()
  await hasty.publish(ada.verified())
  await eventually(async () => {
    assert.deepEqual(await hasty.emitted(ada.userId), ['notification_created', 'delivery_failed'])
  })
  await hasty.publish(ada.profile())
  const other = newReader()
  await hasty.publish(other.profile(), other.verified())
  await hasty.mailed(other.email)
  t.same(await hasty.mailsTo(ada.email), [])
})

test('mails go to the newest address, and to nobody who was erased', async t => {
  const ada = newReader()
  const moved = newReader().email
  await bench.publish(ada.movedTo(moved, 2), ada.profile(1), ada.verified())
  await bench.mailed(moved)
  t.same(await bench.mailsTo(ada.email), [])

  await bench.publish(ada.erased())
  await eventually(async () => {
    const { rows } = await bench.postgres.read(tx =>
      tx.execute(sql`
        select email, name, locale from profile_copy where user_id = ${ada.userId}`),
    )
    assert.deepEqual(rows, [{ email: null, name: null, locale: null }])
  })
  await bench.publish(ada.movedTo(moved, 3), ada.confirmed(newOrderId()))
  await eventually(async () => {
    assert.equal((await bench.deliveriesTo(ada.userId)).at(-1)?.state, 'failed')
  })
  t.equal((await bench.mailsTo(moved)).length, 1)
})

test('replayed and old events are counted and never told', async t => {
  const ada = newReader()
  await bench.publish(ada.profile())
  const [first] = await bench.publish(ada.verified())
  assert.ok(first)
  await bench.mailed(ada.email)
  const again = { ...first.headers, [header.version]: '2' }
  const id = (n: number) => `0193a1c0-0000-7000-8000-00000000000${n}`
  const replayed = { ...again, [header.id]: id(1), [header.replayId]: 'replay-1' }
  const old = { ...again, [header.id]: id(2), [header.time]: '2026-01-01T00:00:00.000Z' }
  await bench.republish({ ...first, headers: replayed })
  await bench.republish({ ...first, headers: old })
  await eventually(async () => {
    const { rows } = await bench.postgres.read(tx =>
      tx.execute(sql`select from inbox where event_id in (${id(1)}, ${id(2)})`),
    )
    assert.equal(rows.length, 2)
  })
  t.equal((await bench.deliveriesTo(ada.userId)).length, 1)
})

test('what others choose is escaped in the mail', async t => {
  const ada = newReader({ name: '<b>Ada</b>' })
  await bench.publish(ada.profile(), ada.confirmed(newOrderId(), '<img src=x onerror=alert(1)>'))
  const [mail] = await bench.mailed(ada.email)
  t.notMatch(mail?.HTML, /<img|<b>/)
  t.match(mail?.HTML, /&lt;img src=x/)
})

test('notifications are read by their owner only, page by page', async t => {
  const [ada, bob] = [newReader(), newReader()]
  await bench.publish(ada.profile(), bob.profile())
  await bench.publish(...[1, 2, 3].map(() => ada.cancelled(newOrderId())), bob.verified())
  await bench.mailed(ada.email, 3)
  await bench.mailed(bob.email)
  const headers = bench.tokens.bearer({ userId: ada.userId })
  const get = async (url: string) => bench.app.inject({ url, headers })

  const first = (await get('/v1/me/notifications?limit=2')).json()
  t.equal(first.data.length, 2)
  const second = (await get(`/v1/me/notifications?limit=2&cursor=${first.page.next}`)).json()
  t.equal(second.data.length, 1)
  t.equal(second.page.next, null)
  t.equal((await get('/v1/me/notifications/unread-count')).json().count, 3)

  const [{ id }] = first.data
  const url = `/v1/me/notifications/${id}/read`
  const foreign = await bench.app.inject({
    method: 'POST',
    url,
    headers: bench.tokens.bearer({ userId: bob.userId }),
  })
  t.equal(problemOf(foreign).code, 'request.not_found')
  const read = await bench.app.inject({ method: 'POST', url, headers })
  t.equal(read.statusCode, 200, read.body)
  const again = await bench.app.inject({ method: 'POST', url, headers })
  t.equal(again.json().readAt, read.json().readAt, 'the first reading counts')
  const unread = (await get('/v1/me/notifications?unread=true')).json()
  t.equal(unread.data.length, 2)
  const all = await bench.app.inject({
    method: 'POST',
    url: '/v1/me/notifications/read-all',
    headers,
  })
  t.equal(all.statusCode, 204)
  t.equal((await get('/v1/me/notifications/unread-count')).json().count, 0)
  t.equal((await bench.app.inject('/v1/me/notifications')).statusCode, 401)
})
