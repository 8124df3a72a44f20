import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect as connectPlain } from 'node:net'
import { text } from 'node:stream/consumers'
import { type ConnectionOptions, connect } from 'node:tls'
import { test } from 'tap'
import { quietParts } from '../testing/chassis-parts.ts'
import type { Cleanup } from '../testing/cleanup.ts'
import { createServer } from './server.ts'
import { makeCertificate, withoutOpenssl } from './test-certificate.ts'

async function listen(t: Cleanup) {
  const tls = makeCertificate(t, 'IP:127.0.0.1')
  const app = createServer({ service: 'test', ...quietParts(), tls })
  t.teardown(() => app.close())
  const held = Promise.withResolvers<void>()
  app.register(async routes => {
    routes.get('/v1/echo', { config: { access: 'public' } }, async () => ({ ok: true }))
    routes.get('/v1/held', { config: { access: 'public' } }, async () => {
      await held.promise
      return { ok: true }
    })
  })
  await app.listen({ port: 0, host: '127.0.0.1' })
  const [address] = app.addresses()
  assert.ok(typeof address === 'object')
  const { port } = address
  return { app, port, ca: tls.cert, release: () => held.resolve() }
}

function open(port: number, options: ConnectionOptions) {
  return connect({ host: '127.0.0.1', port, ...options })
}

function get(path: string): string {
  return `GET ${path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`
}

test('S52, S54: TLS 1.2 and 1.3 are spoken and say HSTS', { skip: withoutOpenssl }, async t => {
  const { port, ca } = await listen(t)
  for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
    const socket = open(port, { ca, minVersion: version, maxVersion: version })
    socket.write(get('/v1/echo'))
    const answer = await text(socket)
    t.equal(socket.getProtocol() ?? version, version)
    t.match(answer, /^HTTP\/1\.1 200 /)
    t.match(answer, /strict-transport-security: max-age=31536000/)
  }
})

test('S54: TLS 1.1, plain HTTP and garbage are cut', { skip: withoutOpenssl }, async t => {
  const { port, ca } = await listen(t)
  // The client itself would not offer TLS 1.1 at a higher security level.
  const ciphers = 'DEFAULT@SECLEVEL=0'
  const old = open(port, { ca, minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers })
  await t.rejects(once(old, 'secureConnect'), { code: /ERR_SSL_|ECONNRESET/ })
  for (const bytes of [get('/v1/echo'), 'hello\r\n\r\n']) {
    const plain = connectPlain(port, '127.0.0.1')
    plain.write(bytes)
    t.notMatch(await text(plain), /HTTP\/1\.1 200/)
  }
})

test('S54: malformed HTTP over TLS is a problem', { skip: withoutOpenssl }, async t => {
  const { port, ca } = await listen(t)
  const socket = open(port, { ca })
  socket.write('GET /v1/echo HTTP/1.1\nHost: x\n\n')
  t.match(await text(socket), /^HTTP\/1\.1 400 [^]*request\.malformed/)
})

test('S11: a stop answers what is in flight over TLS', { skip: withoutOpenssl }, async t => {
  const { app, port, ca, release } = await listen(t)
  const socket = open(port, { ca })
  const idle = open(port, { ca })
  await Promise.all([once(socket, 'secureConnect'), once(idle, 'secureConnect')])
  idle.resume()
  socket.write(get('/v1/held'))
  const requested = once(app.server, 'request')
  await requested
  const idleEnds = once(idle, 'close')
  const closing = app.close()
  // The idle connection ends after the grace, and the busy one is still there.
  await idleEnds
  release()
  t.match(await text(socket), /^HTTP\/1\.1 200 /)
  await closing
})
