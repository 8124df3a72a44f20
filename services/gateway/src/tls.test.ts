import { createServer } from 'node:https'
import { text } from 'node:stream/consumers'
import { connect, getCACertificates, setDefaultCACertificates } from 'node:tls'
import { makeCertificate, withoutOpenssl } from '@campus/platform/http/test-certificate'
import { listenOnLoopback } from '@campus/platform/testing/listen'
import { problemOf } from '@campus/platform/testing/problem'
import { test } from 'tap'
import { open } from './test-bench.ts'

const skip = withoutOpenssl

test('S52, S54: with a certificate the gateway speaks HTTPS from 1.2 on and says HSTS', {
  skip,
}, async t => {
  const { cert: ca, certFile, keyFile } = makeCertificate(t, 'IP:127.0.0.1')
  const { port } = await open(t, { TLS_CERT: certFile, TLS_KEY: keyFile })
  const socket = connect({ host: '127.0.0.1', port, ca })
  socket.write('GET /v1/products HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n')
  const answer = await text(socket)
  t.match(answer, /^HTTP\/1\.1 201 /)
  t.match(answer, /strict-transport-security: max-age=31536000/)
  const old = connect({ host: '127.0.0.1', port, ca, minVersion: 'TLSv1', maxVersion: 'TLSv1.1' })
  await t.rejects(text(old))
})

test('S54: half a key pair is refused at start', { skip }, async t => {
  const { certFile } = makeCertificate(t, 'IP:127.0.0.1')
  await t.rejects(open(t, { TLS_CERT: certFile }), /TLS_CERT and TLS_KEY/)
})

test('S54: a service whose certificate is unknown or names another host is 502 and sees nothing', {
  skip,
}, async t => {
  const before = getCACertificates('default')
  t.teardown(() => setDefaultCACertificates(before))
  const cases = [
    { name: 'IP:127.0.0.1', isTrusted: true, status: 200 },
    { name: 'IP:127.0.0.1', isTrusted: false, status: 502 },
    { name: 'DNS:other.example', isTrusted: true, status: 502 },
  ]
  for (const { name, isTrusted, status } of cases) {
    const { cert, key } = makeCertificate(t, name)
    setDefaultCACertificates(isTrusted ? [...before, cert] : before)
    let seen = 0
    const service = createServer({ cert, key }, (_request, response) => {
      seen += 1
      response.end('{}')
    })
    const url = `https://127.0.0.1:${await listenOnLoopback(t, service)}`
    const { app } = await open(t, { PAYMENTS_URL: url })
    const answer = await app.inject('/v1/payment-intents/x')
    t.equal(answer.statusCode, status, `${name}, ${isTrusted ? 'trusted' : 'unknown'}`)
    t.equal(seen, status === 200 ? 1 : 0)
    if (status === 502) t.equal(problemOf(answer).code, 'gateway.upstream_down')
  }
})
