import assert from 'node:assert/strict'
import { eventually } from '@campus/platform/testing/eventually'
import { problemOf } from '@campus/platform/testing/problem'
import { createTcpProxy } from '@campus/platform/testing/tcp-proxy'
import { sql } from 'drizzle-orm'
import { t as file, test } from 'tap'
import { newOrderId, newReader, openBench } from '../test-bench.ts'

file.setTimeout(120_000)
const bench = await openBench(file)
const url = '/v1/me/notification-preferences'
const on = { mail: true, in_app: true }
const everythingOn = {
  security: on,
  account: on,
  orders: on,
  learning: on,
  library: on,
  teams: on,
}

/** Requests of one person at one service. */
function as(userId: string, { app, tokens }: Pick<typeof bench, 'app' | 'tokens'> = bench) {
  const headers = tokens.bearer({ userId })
  const get = async (path: string) => app.inject({ url: path, headers })
  const put = async (preferences: object, etag?: string) =>
    app.inject({
      method: 'PUT',
      url,
      payload: { preferences },
      headers: { ...headers, ...(etag !== undefined && { 'if-match': etag }) },
    })
  return { get, put }
}

test('everything is on until somebody chooses, and a choice replaces the one before', async t => {
  const { userId } = newReader()
  const ada = as(userId)
  const first = await ada.get(url)
  t.same(first.json(), { preferences: everythingOn, version: 0 })
  t.equal(first.headers.etag, '"0"')

  const chosen = { ...everythingOn, orders: { mail: false, in_app: true } }
  const saved = await ada.put(chosen, '"0"')
  t.same(saved.json(), { preferences: chosen, version: 1 })
  t.same((await ada.get(url)).json(), saved.json())
  const again = await ada.put(chosen, '"1"')
  t.equal(again.json().version, 1, 'the same choice changes nothing')
  const back = await ada.put({}, '"1"')
  t.same(back.json(), { preferences: everythingOn, version: 2 })
  t.same(await bench.emitted(userId), ['preferences_changed', 'preferences_changed'])
})

test('a choice needs the version that was read; of two at the same time one is stale', async t => {
  const ada = as(newReader().userId)
  const chosen = { orders: { mail: false, in_app: false } }
  t.equal(problemOf(await ada.put(chosen)).code, 'request.if_match_required')
  const other = { teams: { mail: false, in_app: false } }
  const both = await Promise.all([ada.put(chosen, '"0"'), ada.put(other, '"0"')])
  t.same(new Set(both.map(({ statusCode }) => statusCode)), new Set([200, 412]))
  const stale = both.find(({ statusCode }) => statusCode === 412)
  t.equal(stale?.json().current.version, 1)
})

test('security cannot be switched off, nor can what does not exist', async t => {
  const ada = as(newReader().userId)
  const silent = { mail: false, in_app: true }
  const refused = await ada.put({ security: silent }, '"0"')
  t.equal(problemOf(refused).code, 'notifications.category_mandatory')
  for (const wrong of [{ weather: silent }, { orders: {} }, { orders: { ...silent, sms: true } }]) {
    t.equal((await ada.put(wrong, '"0"')).statusCode, 400, JSON.stringify(wrong))
  }
  t.equal((await ada.get(url)).json().version, 0)
  await t.rejects(
    bench.postgres.read(tx =>
      tx.execute(sql`insert into preference values (${newReader().userId}, 1, '{security:mail}')`),
    ),
    'the table would not take it either',
  )
})

test('each channel is honoured by itself, and both together', async t => {
  const ada = newReader()
  await bench.publish(ada.profile())
  const person = as(ada.userId)
  const listed = async () => {
    const { data } = (await person.get('/v1/me/notifications')).json()
    return data.map(({ sourceType }: { sourceType: string }) => sourceType.split('.')[1])
  }
  await person.put(
    {
      orders: { mail: false, in_app: true },
      account: { mail: true, in_app: false },
    },
    '"0"',
  )
  await bench.publish(ada.cancelled(newOrderId()), ada.verified())
  const [welcome] = await bench.mailed(ada.email)
  t.equal(welcome?.Subject, 'Welcome to Campus')
  t.same(await listed(), ['order_cancelled'])
  t.equal((await person.get('/v1/me/notifications/unread-count')).json().count, 1)
  const states = (await bench.deliveriesTo(ada.userId)).map(({ state }) => state)
  t.same(states.toSorted(), ['sent', 'suppressed'])

  await person.put({ orders: { mail: false, in_app: false } }, '"1"')
  await bench.publish(ada.cancelled(newOrderId()), ada.passwordChanged())
  await bench.mailed(ada.email, 2)
  t.same(await listed(), ['password_changed', 'order_cancelled'])
  t.equal((await bench.deliveriesTo(ada.userId)).length, 3)
})

test('a mail that still waits when it is switched off is not sent', async t => {
  const proxy = await createTcpProxy(t, process.env['SMTP_URL'] ?? '')
  proxy.cut()
  const broken = await openBench(t, { SMTP_URL: proxy.url })
  const ada = newReader()
  await broken.publish(ada.profile(), ada.cancelled(newOrderId()))
  await eventually(async () => {
    const { rows } = await broken.postgres.read(tx =>
      tx.execute(sql`select from effect where state = 'pending' and error is not null`),
    )
    assert.equal(rows.length, 1)
  })
  await as(ada.userId, broken).put({ orders: { mail: false, in_app: true } }, '"0"')
  proxy.restore()
  await broken.publish(ada.verified())
  const [welcome] = await broken.mailed(ada.email)
  t.equal(welcome?.Subject, 'Welcome to Campus')
  await eventually(async () => {
    const states = (await broken.deliveriesTo(ada.userId)).map(({ state }) => state)
    assert.deepEqual(states, ['suppressed', 'sent'])
  })
  t.equal((await broken.mailsTo(ada.email)).length, 1)
})
