import { test } from 'tap'
import { open } from '../test-bench.ts'
import { parseOrigins } from './origins.ts'

const listed = 'https://campus.example'
const settings = { CORS_ORIGINS: `${listed}, http://localhost:5173`, ANONYMOUS_PER_MINUTE: '3' }

/** Origins that look like the listed one. */
const lookAlikes = [
  'null',
  '*',
  'http://campus.example',
  'https://campus.example.evil.example',
  'https://evilcampus.example',
  'https://evil.example/https://campus.example',
  'https://campus.example:8443',
  'https://campus.example/',
  'https://CAMPUS.example',
  'https://sub.campus.example',
  'http://localhost',
]

test('S51: pages of listed origins may read answers, also those of services, and no others may', async t => {
  const { app } = await open(t, { ...settings, ANONYMOUS_PER_MINUTE: '600' }, (_, response) => {
    response.setHeader('access-control-allow-origin', '*')
    response.setHeader('access-control-allow-credentials', 'true')
    response.setHeader('vary', 'accept')
    response.end('{}')
    return true
  })
  for (const origin of [listed, 'http://localhost:5173']) {
    const { headers } = await app.inject({ url: '/v1/products', headers: { origin } })
    t.match(headers, {
      'access-control-allow-origin': origin,
      'access-control-expose-headers': /retry-after/,
      'access-control-allow-credentials': undefined,
      vary: 'Origin, accept',
    })
  }
  for (const origin of [...lookAlikes, undefined]) {
    for (const url of ['/v1/products', '/version', '/nothing', '/v1/payment-intents/x']) {
      const headers = origin === undefined ? {} : { origin }
      const answer = await app.inject({ url, headers })
      t.equal(answer.headers['access-control-allow-origin'], undefined, `${origin} ${url}`)
      t.equal(answer.headers['access-control-allow-credentials'], undefined)
      t.match(answer.headers['vary'], /^Origin/)
    }
  }
  const refused = await app.inject({ url: '/v1/payment-intents/x', headers: { origin: listed } })
  t.match(refused, { statusCode: 502, headers: { 'access-control-allow-origin': listed } })
})

test('S51: preflights are answered by the gateway and use no quota', async t => {
  const { app, seen } = await open(t, settings)
  const remoteAddress = `10.${Math.floor(Math.random() * 255)}.7.1`
  const asked = { 'access-control-request-method': 'POST' }
  for (let i = 0; i < 10; i += 1) {
    const { statusCode, headers, body } = await app.inject({
      method: 'OPTIONS',
      url: '/v1/orders',
      headers: { origin: listed, ...asked, 'access-control-request-headers': 'authorization' },
      remoteAddress,
    })
    t.match({ statusCode, body }, { statusCode: 204, body: '' })
    t.match(headers, {
      'access-control-allow-origin': listed,
      'access-control-allow-methods': /DELETE/,
      'access-control-allow-headers': /authorization.*idempotency-key/,
      'access-control-allow-credentials': undefined,
      ratelimit: undefined,
      vary: 'Origin',
    })
  }
  for (const origin of lookAlikes) {
    const { headers } = await app.inject({
      method: 'OPTIONS',
      url: '/v1/orders',
      headers: { origin, ...asked },
      remoteAddress,
    })
    for (const name of Object.keys(headers)) t.notMatch(name, /^access-control/, origin)
  }
  t.same(seen, [])
  const { statusCode } = await app.inject({ url: '/v1/products', remoteAddress })
  t.equal(statusCode, 201, 'the quota is still there')
})

test('S51: without a list no origin may read anything', async t => {
  const { app } = await open(t)
  const { headers } = await app.inject({ url: '/version', headers: { origin: listed } })
  t.equal(headers['access-control-allow-origin'], undefined)
})

test('S51: a list with anything but exact origins is refused at start', t => {
  for (const wrong of [
    '*',
    'null',
    'campus.example',
    'https://a.example/',
    'https://*.a.example',
  ]) {
    t.throws(() => parseOrigins(`https://ok.example,${wrong}`), /CORS_ORIGINS/, wrong)
  }
  t.same(
    [...parseOrigins(' https://a.example , http://b.example:1 ,')],
    ['https://a.example', 'http://b.example:1'],
  )
  t.end()
})
