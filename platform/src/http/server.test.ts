import { test } from 'tap'
import { Type } from 'typebox'
import { AppError, chassis, defineErrors, refuseAll } from '../errors.ts'
import { currentFlow } from '../process/flow.ts'
import { quietParts } from '../testing/chassis-parts.ts'
import type { Cleanup } from '../testing/cleanup.ts'
import { problemOf } from '../testing/problem.ts'
import { problems } from './problem.ts'
import { createServer, type ServerOptions } from './server.ts'

const refuse = defineErrors('orders', {
  cart_empty: { status: 409, message: 'The cart has no lines.' },
  line_shipped: { status: 409, message: 'A line has left the warehouse.' },
})

const OrderBody = Type.Object({
  quantity: Type.Integer({ minimum: 1 }),
  note: Type.Optional(Type.String()),
  address: Type.Optional(Type.Object({ city: Type.String() })),
})

const never = new Promise<never>(() => undefined)

/** A server with a route of each kind. */
function testServer(t: Cleanup, options: Partial<ServerOptions> = {}) {
  const parts = quietParts()
  const app = createServer({
    service: 'test',
    ...parts,
    publicUrl: 'https://campus.example',
    ...options,
  })
  t.teardown(() => app.close())
  const config = { access: 'public' as const }
  app.register(async routes => {
    routes.get('/v1/flow', { config }, async () => currentFlow())
    routes.post('/v1/flow', { config }, async () => currentFlow())
    routes.get(
      '/v1/orders/:orderId',
      { config, schema: { params: Type.Object({ orderId: Type.String({ format: 'uuid' }) }) } },
      async () => ({ secret: 'not in the schema' }),
    )
    routes.get(
      '/v1/orders',
      {
        config,
        schema: {
          querystring: Type.Object({ open: Type.Optional(Type.Boolean()) }),
          response: { 200: Type.Object({ id: Type.String() }), ...problems(400) },
        },
      },
      async () => ({ id: '1', passwordHash: 'canary' }),
    )
    routes.post('/v1/orders', { config, schema: { body: OrderBody } }, async ({ body }) => body)
    routes.delete('/v1/orders/:orderId', { config }, async () => {
      refuseAll([refuse.line_shipped({ lineId: '7' }), refuse.cart_empty()])
    })
    routes.get('/v1/bug', { config }, async () => {
      throw new Error('select * from secret_table at /srv/app')
    })
    routes.get('/v1/down', { config }, async () => {
      throw new Error('Failed query', {
        cause: Object.assign(new Error('connect'), { code: 'ECONNREFUSED' }),
      })
    })
    routes.get('/v1/forbidden', { config }, async () => {
      throw new AppError([chassis.roleMissing()])
    })
    routes.get('/v1/hang', { config }, () => never)
    routes.get('/v1/stream', { config: { ...config, longLived: true } }, () => never)
  })
  return { app, metrics: parts.metrics }
}

test('every answer has ids and safe headers, and no name of the software', async t => {
  const { app } = testServer(t)
  for (const url of ['/v1/flow', '/v1/nothing', '/v1/bug', '/v1/orders?x=1', '/v1/%zz']) {
    const { headers } = await app.inject(url)
    t.match(headers['x-request-id'], /^[\da-f-]{36}$/, url)
    t.match(headers['trace-id'], /^[\da-f]{32}$/, url)
    t.equal(headers['cache-control'], 'no-store', url)
    t.equal(headers['x-content-type-options'], 'nosniff', url)
    t.match(headers['content-security-policy'], "default-src 'none'", url)
    t.equal(headers['server'], undefined, url)
    t.equal(headers['x-powered-by'], undefined, url)
  }
})

test('a request id is taken over when it is harmless, otherwise replaced', async t => {
  const { app } = testServer(t)
  const good = await app.inject({ url: '/v1/flow', headers: { 'x-request-id': 'abcDEF_12-34' } })
  t.equal(good.headers['x-request-id'], 'abcDEF_12-34')
  for (const id of ['short', 'x'.repeat(65), 'a b c d e f g', 'abcdefgh\u00e9']) {
    const { headers } = await app.inject({ url: '/v1/flow', headers: { 'x-request-id': id } })
    t.match(headers['x-request-id'], /^[\da-f-]{36}$/, id)
  }
})

test('a request runs in a flow of its story and trace, also behind its body', async t => {
  const { app } = testServer(t)
  const traceId = '0af7651916cd43dd8448eb211c80319c'
  const headers = {
    'x-request-id': 'request-1',
    'x-correlation-id': 'story-123',
    traceparent: `00-${traceId}-b7ad6b7169203331-01`,
  }
  const get = await app.inject({ url: '/v1/flow', headers })
  t.match(get.json(), {
    causationId: 'request-1',
    correlationId: 'story-123',
    actor: 'anonymous',
    traceparent: new RegExp(`^00-${traceId}-(?!b7ad6b7169203331)`),
  })
  t.equal(get.headers['trace-id'], traceId)
  const post = await app.inject({ url: '/v1/flow', method: 'POST', headers, payload: {} })
  t.match(post.json(), { causationId: 'request-1' })
  const alone = await app.inject({ url: '/v1/flow', headers: { 'x-correlation-id': 'bad\tid!!' } })
  t.match(alone.json(), { correlationId: alone.headers['x-request-id'] })
})

const wrongBodies = [
  ['an unknown field', { quantity: 1, price: 0 }, '#/price', 'additionalProperties'],
  ['an unknown field below', { quantity: 1, address: { city: 'x', zip: '1' } }, '#/address/zip'],
  ['text for a number', { quantity: '1' }, '#/quantity', 'type'],
  ['true for a number', { quantity: true }, '#/quantity', 'type'],
  ['a number for text', { quantity: 1, note: 5 }, '#/note', 'type'],
  ['null for text', { quantity: 1, note: null }, '#/note', 'type'],
  ['a fraction for an integer', { quantity: 1.5 }, '#/quantity', 'type'],
  ['a missing field', {}, '#/quantity', 'required'],
  ['a value out of range', { quantity: 0 }, '#/quantity', 'minimum'],
  ['an array', [], '#', 'type'],
] as const

for (const [name, payload, pointer, code] of wrongBodies) {
  test(`${name} is 400 request.invalid that points at it`, async t => {
    const { app } = testServer(t)
    const response = await app.inject({
      url: '/v1/orders',
      method: 'POST',
      payload: JSON.stringify(payload),
      headers: { 'content-type': 'application/json' },
    })
    t.match(problemOf(response), {
      status: 400,
      code: 'request.invalid',
      type: 'https://campus.example/problems/request.invalid',
      errors: [{ pointer, ...(code !== undefined && { code }) }],
    })
  })
}

test('unknown and coercible query parameters and wrong path parameters are 400', async t => {
  const { app } = testServer(t)
  for (const [url, pointer] of [
    ['/v1/orders?other=1', '#/query/other'],
    ['/v1/orders?open=true', '#/query/open'],
    ['/v1/flow?x=1', '#/query/x'],
    ['/v1/orders/17', '#/path/orderId'],
  ] as const) {
    t.match(problemOf(await app.inject(url)), { status: 400, errors: [{ pointer }] }, url)
  }
})

test('a body where none is asked for is 400, an empty object is not', async t => {
  const { app } = testServer(t)
  for (const payload of ['{"a":1}', '[1]', 'true']) {
    const response = await app.inject({
      url: '/v1/flow',
      method: 'POST',
      payload,
      headers: { 'content-type': 'application/json' },
    })
    t.match(problemOf(response), { errors: [{ code: 'body_unexpected' }] }, payload)
  }
  t.equal((await app.inject({ url: '/v1/flow', method: 'POST', payload: {} })).statusCode, 200)
  t.equal((await app.inject({ url: '/v1/flow', method: 'POST' })).statusCode, 200)
})

test('a NUL in path or query is 400', async t => {
  const { app } = testServer(t)
  for (const url of ['/v1/orders/%00', '/v1/orders?open=%00']) {
    t.match(problemOf(await app.inject(url)), { status: 400, code: 'request.malformed' }, url)
  }
})

test('the wrong method is 405 with Allow, the wrong path 404, whatever the body', async t => {
  const { app } = testServer(t)
  for (const method of ['PUT', 'PATCH', 'OPTIONS', 'POST'] as const) {
    const response = await app.inject({
      method,
      url: '/v1/orders/0198a7c8-0000-7000-8000-000000000000',
      payload: 'a,b',
      headers: { 'content-type': 'text/csv' },
    })
    t.match(problemOf(response), { code: 'request.method_not_allowed' }, method)
    t.equal(response.headers['allow'], 'DELETE, GET, HEAD', method)
  }
  for (const url of ['/', '/v1', '/v1/orders/', '//v1/orders', '/V1/orders', '/v1/orders/a/b']) {
    t.match(
      problemOf(await app.inject({ url, method: 'POST', payload: 'x' })),
      { status: 404 },
      url,
    )
  }
})

test('a content type that is not JSON, and any content encoding, is 415', async t => {
  const { app } = testServer(t)
  const payload = '{"quantity":1}'
  for (const headers of [
    { 'content-type': 'text/plain' },
    { 'content-type': 'application/x-www-form-urlencoded' },
    { 'content-type': 'multipart/form-data; boundary=x' },
    { 'content-type': 'application/json', 'content-encoding': 'br' },
    { 'content-type': 'application/json', 'content-encoding': 'gzip' },
  ]) {
    const response = await app.inject({ url: '/v1/orders', method: 'POST', payload, headers })
    t.match(
      problemOf(response),
      { code: 'request.media_type_unsupported' },
      JSON.stringify(headers),
    )
  }
})

test('a body beyond the limit is 413', async t => {
  const { app } = testServer(t, { bodyBytesMax: 100 })
  const response = await app.inject({
    url: '/v1/orders',
    method: 'POST',
    payload: { quantity: 1, note: 'x'.repeat(100) },
  })
  t.match(problemOf(response), { status: 413, code: 'request.too_large' })
})

test('JSON that is not strict is 400', async t => {
  const { app } = testServer(t)
  for (const payload of ['{"quantity":1,"quantity":2}', '{"quantity":9007199254740993}', '{', '']) {
    const response = await app.inject({
      url: '/v1/orders',
      method: 'POST',
      payload,
      headers: { 'content-type': 'application/json' },
    })
    t.match(problemOf(response), { status: 400, code: 'request.invalid' }, payload)
  }
})

test('a refusal answers all of its reasons', async t => {
  const { app } = testServer(t)
  const response = await app.inject({ url: '/v1/orders/1', method: 'DELETE' })
  t.match(problemOf(response), {
    status: 409,
    code: 'orders.line_shipped',
    title: 'A line has left the warehouse.',
    reasons: [
      { code: 'orders.line_shipped', details: { lineId: '7' } },
      { code: 'orders.cart_empty', message: 'The cart has no lines.' },
    ],
  })
})

test('a bug is 500 server.failed and tells nothing', async t => {
  const { app } = testServer(t)
  const response = await app.inject('/v1/bug')
  t.match(problemOf(response), { status: 500, code: 'server.failed' })
  t.notMatch(response.body, /secret_table|srv/)
})

test('a dependency that is down is 503 with Retry-After, not a bug', async t => {
  const { app } = testServer(t)
  const response = await app.inject('/v1/down')
  t.match(problemOf(response), { status: 503, code: 'server.dependency_down' })
  t.equal(response.headers['retry-after'], '2')
})

test('an answer holds what its schema names and nothing else', async t => {
  const { app } = testServer(t)
  t.same((await app.inject('/v1/orders')).json(), { id: '1' })
})

test('two hidden things look the same', async t => {
  const { app } = testServer(t)
  const answers = await Promise.all(['/v1/a', '/v1/b'].map(url => app.inject(url)))
  const visible = answers.map(({ body, headers }) => {
    const varying = new Set([headers['x-request-id'], headers['trace-id'], headers['date']])
    const shown = Object.entries(headers).filter(([, value]) => !varying.has(value))
    return [body.replaceAll(String(headers['x-request-id']), ''), shown]
  })
  t.same(visible[0], visible[1])
})

test('requests beyond the limit in flight are shed with 503; event streams do not count', async t => {
  const { app, metrics } = testServer(t, { maxInFlight: 2 })
  await app.ready()
  const abort = new AbortController()
  t.teardown(() => abort.abort())
  const { signal } = abort
  for (const url of ['/v1/stream', '/v1/stream', '/v1/hang', '/v1/hang']) {
    void app.inject({ url, signal }).catch(() => undefined)
  }
  const shed = await app.inject('/v1/flow')
  t.match(problemOf(shed), { status: 503, code: 'server.overloaded' })
  t.equal(shed.headers['retry-after'], '1')
  t.match(await metrics.render(), 'http_requests_shed_total{service="test"} 1')
  t.match(await metrics.render(), 'http_requests_in_flight{service="test"} 2')
})

test('requests are measured by route template, never by path', async t => {
  const { app, metrics } = testServer(t)
  await app.inject('/v1/orders/0198a7c8-0000-7000-8000-000000000000')
  await app.inject('/v1/nothing/17')
  const text = await metrics.render()
  t.match(
    text,
    /http_request_seconds_count\{.*method="GET",route="\/v1\/orders\/:orderId",status="200"\} 1/,
  )
  t.match(text, /http_request_seconds_count\{.*route="unmatched",status="404"\} 1/)
  t.notMatch(text, /0198a7c8|nothing/)
})

test('a route without access, with unmet access, or outside a plugin is refused at start', async t => {
  const { app } = testServer(t)
  t.throws(() => app.get('/x', { config: { access: 'public' } }, async () => ({})), /in a plugin/)
  const forgotten = testServer(t).app
  forgotten.register(async routes => {
    routes.get('/x', async () => ({}))
  })
  await t.rejects(async () => forgotten.ready(), /declares no config.access/)
  const unmet = testServer(t).app
  unmet.register(async routes => {
    routes.get('/x', { config: { access: 'user' } }, async () => ({}))
  })
  await t.rejects(async () => unmet.ready(), /needs a server with auth/)
})

test('GET /openapi.json is OpenAPI 3.1 with closed inputs, problems and access', async t => {
  const { app } = testServer(t)
  const response = await app.inject('/openapi.json')
  t.match(response.json(), {
    openapi: '3.1.0',
    paths: {
      '/v1/orders': {
        get: {
          'x-access': 'public',
          responses: { 400: { content: { 'application/problem+json': {} } } },
        },
        post: {
          requestBody: {
            content: { 'application/json': { schema: { additionalProperties: false } } },
          },
        },
      },
    },
  })
})

test('closing aborts what is held', async t => {
  const { app } = testServer(t)
  await app.ready()
  t.notOk(app.stopping.aborted)
  await app.close()
  t.ok(app.stopping.aborted)
})
