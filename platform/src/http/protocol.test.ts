import { once } from 'node:events'
import { connect } from 'node:net'
import { test } from 'tap'
import { quietParts } from '../testing/chassis-parts.ts'
import type { Cleanup } from '../testing/cleanup.ts'
import { problemOf } from '../testing/problem.ts'
import { sendRaw } from '../testing/raw-http.ts'
import { createServer, type ServerOptions } from './server.ts'

/** A listening server with `GET /v1/echo` and `POST /v1/echo`. */
async function listen(t: Cleanup, options: Partial<ServerOptions> = {}) {
  const app = createServer({ service: 'test', ...quietParts(), ...options })
  t.teardown(() => app.close())
  app.register(async routes => {
    routes.get('/v1/echo', { config: { access: 'public' } }, async () => ({ ok: true }))
    routes.post('/v1/echo', { config: { access: 'public' } }, async () => ({ ok: true }))
  })
  await app.listen({ port: 0, host: '127.0.0.1' })
  const [address] = app.addresses()
  if (typeof address !== 'object') throw new TypeError('not listening')
  return { app, port: address.port }
}

const get = 'GET /v1/echo HTTP/1.1\r\nHost: x\r\n'
const post = 'POST /v1/echo HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n'

const refused = [
  ['no HTTP at all', 'hello\r\n\r\n', 400, 'request.malformed'],
  ['an unknown method', 'BREW /v1/echo HTTP/1.1\r\nHost: x\r\n\r\n', 400, 'request.malformed'],
  ['a bare LF', 'GET /v1/echo HTTP/1.1\nHost: x\n\n', 400, 'request.malformed'],
  ['an obsolete line folding', `${get}X-A: b\r\n c\r\n\r\n`, 400, 'request.malformed'],
  ['no Host', 'GET /v1/echo HTTP/1.1\r\nConnection: close\r\n\r\n', 400, 'request.malformed'],
  [
    'headers beyond 16 kB',
    `${get}X-A: ${'a'.repeat(20_000)}\r\n\r\n`,
    431,
    'request.headers_too_large',
  ],
  [
    'both Content-Length and Transfer-Encoding',
    `${post}Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n`,
    400,
    'request.malformed',
  ],
  [
    'two lengths',
    `${post}Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}`,
    400,
    'request.malformed',
  ],
  [
    'an odd transfer encoding',
    `${post}Transfer-Encoding: xchunked\r\n\r\n`,
    400,
    'request.malformed',
  ],
  [
    'an unknown expectation',
    `${post}Expect: magic\r\nContent-Length: 2\r\n\r\n{}`,
    417,
    'request.expectation_failed',
  ],
  [
    'a broken escape',
    'GET /v1/%zz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n',
    400,
    'request.malformed',
  ],
  ['CONNECT', 'CONNECT x:443 HTTP/1.1\r\nHost: x:443\r\n\r\n', 405, 'request.method_not_allowed'],
  [
    'TRACE',
    'TRACE /v1/echo HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n',
    405,
    'request.method_not_allowed',
  ],
  [
    'PROPFIND',
    'PROPFIND /v1/echo HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n',
    405,
    'request.method_not_allowed',
  ],
] as const

test('whatever the parser refuses is a problem document, and the connection is closed', async t => {
  const { port } = await listen(t)
  for (const [name, request, status, code] of refused) {
    await t.test(`${name} is ${status} ${code}`, async sub => {
      const response = await sendRaw(port, request)
      sub.match(problemOf(response), { status, code })
      sub.match(response.headers, {
        'cache-control': 'no-store',
        'x-content-type-options': 'nosniff',
      })
    })
  }
})

test('an upgrade is ignored', async t => {
  const { port } = await listen(t)
  const response = await sendRaw(
    port,
    `${get}Upgrade: websocket\r\nConnection: close, Upgrade\r\n\r\n`,
  )
  t.equal(response.statusCode, 200)
})

test('an identity header with CR, LF or NUL never reaches a route', async t => {
  const { port } = await listen(t)
  const response = await sendRaw(port, `${get}X-Request-Id: aaaaaaaa\0bbbb\r\n\r\n`)
  t.equal(problemOf(response).status, 400)
})

test('a body that does not arrive in time is 408', async t => {
  const { port } = await listen(t, { requestTimeoutMs: 200 })
  const response = await sendRaw(port, `${post}Content-Length: 100\r\n\r\n{`)
  t.match(problemOf(response), { status: 408, code: 'request.timeout' })
})

test('headers that do not arrive in time are 408', async t => {
  const { port } = await listen(t, { requestTimeoutMs: 200 })
  t.equal(problemOf(await sendRaw(port, 'GET /v1/echo HTTP/1.1\r\n')).status, 408)
})

test('a request in flight is answered while the server closes, and idle connections end', async t => {
  const { app, port } = await listen(t)
  const idle = connect(port, '127.0.0.1')
  await once(idle, 'connect')
  const busy = connect(port, '127.0.0.1')
  busy.write(`${post}Content-Length: 2\r\n\r\n{`)
  await once(busy, 'connect')
  // The first answer proves that the server has read what came before it.
  t.equal((await fetch(`http://127.0.0.1:${port}/v1/echo`)).status, 200)
  const idleEnds = once(idle, 'close')
  idle.resume()
  const busyEnds = once(busy, 'close')
  const closing = app.close()
  busy.write('}')
  const [answer] = await once(busy, 'data')
  t.match(String(answer), /^HTTP\/1\.1 200 /)
  t.match(String(answer), /connection: close/i)
  await Promise.all([closing, idleEnds, busyEnds])
})
