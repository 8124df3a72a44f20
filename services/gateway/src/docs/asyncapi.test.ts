import { test } from 'tap'
import { open } from '../test-bench.ts'

test('GET /v1/asyncapi.json serves the events to everybody, and 304 to whoever has them', async t => {
  const { app } = await open(t)
  const first = await app.inject({ url: '/v1/asyncapi.json' })
  t.equal(first.statusCode, 200)
  t.match(first.json(), { asyncapi: '3.0.0', channels: { 'campus.orders': {} } })
  const etag = String(first.headers.etag)
  for (const known of [etag, `W/${etag}`, `"other", ${etag}`, '*']) {
    const again = await app.inject({
      url: '/v1/asyncapi.json',
      headers: { 'if-none-match': known },
    })
    t.equal(again.statusCode, 304, known)
    t.equal(again.body, '')
    t.equal(again.headers.etag, etag)
  }
  const stale = await app.inject({
    url: '/v1/asyncapi.json',
    headers: { 'if-none-match': '"other"' },
  })
  t.equal(stale.statusCode, 200)
})
