import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import { connect } from 'node:net'
import { eventually } from '@campus/platform/testing/eventually'
import { listenOnLoopback } from '@campus/platform/testing/listen'
import { problemOf } from '@campus/platform/testing/problem'
import { sendRaw } from '@campus/platform/testing/raw-http'
import { test } from 'tap'
import { open } from './test-bench.ts'

const post = 'POST /v1/products HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n'

test('S15: a body and headers that do not arrive in time are 408, and the connection is closed', async t => {
  const { port } = await open(t, { REQUEST_TIMEOUT_MS: '300' })
  for (const slow of [`${post}Content-Length: 100\r\n\r\n{`, post]) {
    const startedAt = performance.now()
    t.match(problemOf(await sendRaw(port, slow)), { status: 408, code: 'request.timeout' })
    t.ok(performance.now() - startedAt < 5_000)
  }
})

test('S15: a body that is too long is 413, whether it says so or not', async t => {
  const { port, seen } = await open(t, { BODY_BYTES_MAX: '1024' })
  const announced = `${post}Content-Length: 1025\r\n\r\n`
  t.equal(problemOf(await sendRaw(port, announced)).code, 'request.too_large')
  const chunk = `400\r\n${'x'.repeat(1_024)}\r\n`
  const request = `${post}Transfer-Encoding: chunked\r\n\r\n${chunk.repeat(8)}0\r\n\r\n`
  t.equal(problemOf(await sendRaw(port, request)).code, 'request.too_large')
  t.same(seen, [], 'no service read one of them to its end')
  const exact = `${post}Connection: close\r\nTransfer-Encoding: chunked\r\n\r\n${chunk}0\r\n\r\n`
  t.equal((await sendRaw(port, exact)).statusCode, 201)
  t.equal(seen[0]?.body.length, 1_024)
})

test('S15: a request line or headers beyond 16 kB are 431', async t => {
  const { port, seen } = await open(t)
  const long = 'a'.repeat(17_000)
  for (const request of [
    `GET /v1/products?q=${long} HTTP/1.1\r\nHost: x\r\n\r\n`,
    `GET /v1/products HTTP/1.1\r\nHost: x\r\nCookie: ${long}\r\n\r\n`,
  ]) {
    t.equal(problemOf(await sendRaw(port, request)).code, 'request.headers_too_large')
  }
  t.same(seen, [])
})

test('S16: requests beyond the limit in flight are shed at once with Retry-After, and served again later', async t => {
  const { app, seen } = await open(t, { REQUESTS_IN_FLIGHT_MAX: '3', UPSTREAM_TIMEOUT_MS: '1000' })
  const slow = Array.from({ length: 3 }, async () => app.inject('/v1/products/slow'))
  await eventually(() => assert.equal(seen.length, 3))
  const startedAt = performance.now()
  const shed = await app.inject('/v1/products')
  t.equal(problemOf(shed).code, 'server.overloaded')
  t.match(shed.headers, { 'retry-after': '1' })
  t.ok(performance.now() - startedAt < 500)
  await Promise.all(slow)
  t.equal((await app.inject('/v1/products')).statusCode, 201)
})

test('G5: a service that is down fails its own routes at once and no others, and is asked again when it is back', async t => {
  const dead = createServer((_request, response) => response.end('{"back":true}'))
  const address = await listenOnLoopback({ teardown: () => undefined }, dead)
  dead.close()
  const { app } = await open(t, { PAYMENTS_URL: `http://127.0.0.1:${address}` })
  for (let i = 0; i < 8; i += 1) {
    const startedAt = performance.now()
    const answer = await app.inject('/v1/payment-intents/x')
    t.match(problemOf(answer), { status: 502, code: 'gateway.upstream_down' })
    t.match(answer.headers, { 'retry-after': '1' })
    t.ok(performance.now() - startedAt < 1_000)
    t.equal((await app.inject('/v1/products')).statusCode, 201)
  }
  dead.listen(address, '127.0.0.1')
  t.teardown(() => dead.close())
  await eventually(async () => {
    const answer = await app.inject('/v1/payment-intents/x')
    assert.equal(answer.statusCode, 200)
  })
})

test('G5: a service that accepts and stays silent is given up after its time-outs', async t => {
  const { app, seen } = await open(t, { UPSTREAM_TIMEOUT_MS: '200' })
  await Promise.all(Array.from({ length: 5 }, async () => app.inject('/v1/products/slow')))
  const before = seen.length
  const startedAt = performance.now()
  const answer = await app.inject('/v1/products/slow')
  t.equal(problemOf(answer).code, 'gateway.upstream_down')
  t.ok(performance.now() - startedAt < 150, 'nobody waits')
  t.equal(seen.length, before)
})

test('G5: clients cannot make a service look down', async t => {
  const { app, port, seen } = await open(t)
  for (let i = 0; i < 8; i += 1) {
    const socket = connect(port, '127.0.0.1')
    socket.on('error', () => undefined)
    const framing = i % 2 === 0 ? 'Content-Length: 9' : 'Transfer-Encoding: chunked'
    socket.write(`${post}${framing}\r\n\r\n5\r\nhello\r\n`, () => socket.destroy())
  }
  for (let i = 0; i < 8; i += 1) {
    const body =
      'GET /v1/products HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 5\r\n'
    t.equal((await sendRaw(port, `${body}\r\nhello`)).statusCode, 201, 'a GET with a body')
  }
  t.equal(seen.at(-1)?.body, '', 'which is not passed on')
  t.equal((await app.inject('/v1/products')).statusCode, 201)
})
