import { problemOf } from '@campus/platform/testing/problem'
import { sendRaw } from '@campus/platform/testing/raw-http'
import { test } from 'tap'
import { open } from './test-bench.ts'

test('S33: a request reaches the service that owns its prefix, with its body and without headers that claim an identity', async t => {
  const { app, seen } = await open(t)
  const response = await app.inject({
    method: 'POST',
    url: '/v1/products?q=mug&limit=2',
    payload: { a: 1 },
    headers: {
      'x-user-id': 'root',
      'x-role': 'admin',
      forwarded: 'for=6.6.6.6',
      'x-forwarded-for': '6.6.6.6',
      'x-forwarded-host': 'evil.example',
      'x-real-ip': '6.6.6.6',
      connection: 'x-request-id',
      'idempotency-key': 'k',
      'psp-signature': 'v1=00',
      'psp-timestamp': '1',
      'accept-encoding': 'br',
    },
  })
  t.equal(response.statusCode, 201)
  t.same(response.json(), { from: 'upstream' })
  t.equal(response.headers['etag'], '"7"')
  t.notOk(response.headers['server'], 'what runs behind the gateway is not told')
  const [request] = seen
  t.match(request, { method: 'POST', url: '/v1/products?q=mug&limit=2', body: '{"a":1}' })
  t.match(request?.headers, {
    'x-forwarded-for': '127.0.0.1',
    'x-request-id': response.headers['x-request-id'],
    'idempotency-key': 'k',
    // A signed webhook comes through here as well.
    'psp-signature': 'v1=00',
    'psp-timestamp': '1',
    'accept-encoding': 'identity',
    traceparent: /^00-/,
  })
  for (const name of ['x-user-id', 'x-role', 'forwarded', 'x-forwarded-host', 'x-real-ip']) {
    t.equal(request?.headers[name], undefined, name)
  }
})

test('S32, S34: paths that two servers could read differently reach no service', async t => {
  const { seen, port } = await open(t)
  const paths = [
    'http://campus/v1/products',
    '//v1/products',
    '/v1//products',
    '/v1/./products',
    '/v1/../internal',
    '/v1/products/..',
    '/v1/products/%2e%2e/internal',
    '/v1/products%2f..%2finternal',
    '/v1/products/%5c',
    '/v1/products;a=b',
    '/v1/products/x%3bb',
    '/v1/products/.',
    '/v1/products./x',
    '/v1/products/x%00',
    '/v1/products/%252e',
    '/V1/products',
    '/v1/productsX',
    '/internal',
    '/metrics',
    '/readyz',
    '/openapi.json/x',
  ]
  for (const path of paths) {
    // Byte for byte: clients tidy paths up before they send them.
    const request = `GET ${path} HTTP/1.1\r\nHost: campus\r\nConnection: close\r\n\r\n`
    const { statusCode } = await sendRaw(port, request)
    t.ok([400, 404].includes(statusCode), `${path} answers ${statusCode}`)
  }
  t.same(seen, [])
})

test('a service that is down is 502 at once, one that is silent 504, and neither is retried', async t => {
  const { app, seen } = await open(t)
  const down = await app.inject({ url: '/v1/payment-intents/x' })
  t.equal(down.statusCode, 502)
  t.equal(problemOf(down).code, 'gateway.upstream_down')
  const late = await app.inject({ url: '/v1/products/slow' })
  t.equal(late.statusCode, 504)
  t.equal(problemOf(late).code, 'gateway.upstream_timeout')
  const busy = await app.inject({ url: '/v1/products/busy' })
  t.equal(busy.statusCode, 503)
  t.equal(seen.length, 2)
})

test('bodies of every length arrive whole, and half a short one is 502', async t => {
  const { app } = await open(t)
  t.equal((await app.inject('/v1/products/long')).body.length, 100_000)
  const head = await app.inject({ method: 'HEAD', url: '/v1/products/long' })
  t.match(head, { statusCode: 200, body: '', headers: { 'content-length': '100000' } })
  t.match(await app.inject('/v1/products/none'), { statusCode: 304, body: '' })
  const broken = await app.inject('/v1/products/broken')
  t.equal(broken.statusCode, 502)
  t.equal(problemOf(broken).code, 'gateway.upstream_down')
  t.match(broken.headers, { etag: undefined, 'cache-control': 'no-store', 'retry-after': '1' })
})

test('a bad token is refused at the edge, but not where a session is renewed', async t => {
  const { app, seen, tokens } = await open(t)
  const bad = { authorization: 'Bearer nonsense' }
  const refused = await app.inject({ url: '/v1/orders', headers: bad })
  t.equal(problemOf(refused).code, 'auth.token_invalid')
  t.equal(seen.length, 0)
  t.equal((await app.inject({ url: '/v1/orders', headers: tokens.bearer() })).statusCode, 201)
  const renewed = await app.inject({ method: 'POST', url: '/v1/auth/refresh', headers: bad })
  t.equal(renewed.statusCode, 201)
})

test('S55: an address without a token has its limit, and is told when to come again', async t => {
  const { app } = await open(t, { ANONYMOUS_PER_MINUTE: '3' })
  const remoteAddress = `10.${Math.floor(Math.random() * 255)}.0.1`
  const codes = []
  for (let i = 0; i < 5; i += 1) {
    const response = await app.inject({ url: '/v1/products', remoteAddress })
    codes.push(response.statusCode)
    if (i === 4) t.match(response.headers, { 'retry-after': /\d+/, ratelimit: /anonymous/ })
  }
  t.same(codes, [201, 201, 201, 429, 429])
})

test('the merged document holds public paths only', async t => {
  const { app } = await open(t)
  const { paths } = (await app.inject({ url: '/v1/openapi.json' })).json()
  t.same(Object.keys(paths), ['/v1/asyncapi.json', '/v1/openapi.json', '/v1/products', '/version'])
})

test('the page of the documentation runs scripts of its own origin only', async t => {
  const { app } = await open(t)
  const page = await app.inject({ url: '/docs' })
  t.match(page.headers['content-security-policy'], /script-src 'self'/)
  for (const [, file = ''] of page.body.matchAll(/(?:src|href)="(\/docs\/[^"]+)"/g)) {
    t.equal((await app.inject({ url: file })).statusCode, 200, file)
  }
  t.equal((await app.inject({ url: '/docs/..%2fpackage.json' })).statusCode, 404)
})
