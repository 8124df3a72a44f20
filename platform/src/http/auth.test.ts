import { equal } from 'node:assert/strict'
import { createHmac, generateKeyPairSync, type KeyObject, sign as signBytes } from 'node:crypto'
import { createServer as createHttpServer } from 'node:http'
import { importPKCS8, importSPKI, jwtVerify, SignJWT } from 'jose'
import { test } from 'tap'
import type { Clock } from '../clock.ts'
import { quietParts } from '../testing/chassis-parts.ts'
import type { Cleanup } from '../testing/cleanup.ts'
import { eventually } from '../testing/eventually.ts'
import { listenOnLoopback } from '../testing/listen.ts'
import { problemOf } from '../testing/problem.ts'
import { testTokens } from '../testing/tokens.ts'
import { createVerifier, type User, userOf, type Verifier } from './auth.ts'
import { createServer } from './server.ts'

const tokens = await testTokens()
const privateKey = await importPKCS8(tokens.privateKey, 'EdDSA')
const publicKeyPem = tokens.publicKey
const publicKey = await importSPKI(tokens.publicKey, 'EdDSA')

function testServer(t: Cleanup, verifier: Verifier = tokens.verifier()) {
  const app = createServer({ service: 'test', ...quietParts(), auth: verifier })
  t.teardown(() => app.close())
  app.register(async routes => {
    routes.get('/user', { config: { access: 'user' } }, async request => ({
      user: userOf(request),
      actor: request.flow.actor,
    }))
    routes.get('/optional', { config: { access: 'optional' } }, async ({ user }) => ({ user }))
    routes.get('/public', { config: { access: 'public' } }, async ({ user }) => ({ user }))
    routes.get(
      '/staff',
      { config: { access: { roles: ['admin', 'librarian'] } } },
      async () => ({}),
    )
  })
  return app
}

const now = () => Math.floor(Date.now() / 1_000)
const goodClaims = () => ({
  sub: 'user-1',
  sid: 'session-1',
  roles: ['student'],
  jti: 'token-1',
  iss: 'campus',
  aud: 'campus',
  iat: now(),
  exp: now() + 600,
})
const goodHeader = { alg: 'EdDSA', typ: 'at+jwt', kid: tokens.kid }

/** Signs any claims with any header: the library would refuse to. */
async function forge(
  claims: Record<string, unknown> = {},
  header: Record<string, unknown> = {},
): Promise<string> {
  return rawToken({ ...goodHeader, ...header }, { ...goodClaims(), ...claims })
}

function rawToken(header: unknown, payload: unknown, key: KeyObject | string = tokens.privateKey) {
  const encode = (part: unknown) =>
    Buffer.from(typeof part === 'string' ? part : JSON.stringify(part)).toString('base64url')
  const input = `${encode(header)}.${encode(payload)}`
  return `${input}.${signBytes(null, Buffer.from(input), key).toString('base64url')}`
}

function hmacToken(secret: string, alg = 'HS256'): string {
  const [header, payload] = [{ ...goodHeader, alg }, goodClaims()].map(part =>
    Buffer.from(JSON.stringify(part)).toString('base64url'),
  )
  const mac = createHmac('sha256', secret).update(`${header}.${payload}`).digest('base64url')
  return `${header}.${payload}.${mac}`
}

function withoutSignature(token: string): string {
  return token.slice(0, token.lastIndexOf('.') + 1)
}

const other = generateKeyPairSync('ed25519').privateKey
const badTokens: Readonly<Record<string, () => string | Promise<string>>> = {
  'alg none': async () => withoutSignature(await forge({}, { alg: 'none' })),
  'alg None with a signature': () => forge({}, { alg: 'None' }),
  'no signature': async () => withoutSignature(await forge()),
  'a tampered payload': async () => {
    const [header, , signature] = (await forge()).split('.')
    const payload = Buffer.from(JSON.stringify({ ...goodClaims(), roles: ['admin'] }))
    return `${header}.${payload.toString('base64url')}.${signature}`
  },
  'an expired token': () => forge({ exp: now() - 1 }),
  'HS256 with the public key': () => hmacToken(publicKeyPem),
  'HS256 with an empty key': () => hmacToken(''),
  'alg eddsa': () => forge({}, { alg: 'eddsa' }),
  'no exp': () => forge({ exp: undefined }),
  'no iss': () => forge({ iss: undefined }),
  'no aud': () => forge({ aud: undefined }),
  'no sub': () => forge({ sub: undefined }),
  'no sid': () => forge({ sid: undefined }),
  'no roles': () => forge({ roles: undefined }),
  'no iat': () => forge({ iat: undefined }),
  'no jti': () => forge({ jti: undefined }),
  'another audience': () => forge({ aud: 'elsewhere' }),
  'another issuer': () => forge({ iss: 'elsewhere' }),
  'an iat of yesterday': () => forge({ iat: now() - 86_400 }),
  'a life beyond ten minutes': () => forge({ iat: now() - 601, exp: now() + 600 }),
  'no typ': () => forge({}, { typ: undefined }),
  'typ JWT': () => forge({}, { typ: 'JWT' }),
  'typ rt+jwt': () => forge({}, { typ: 'rt+jwt' }),
  'an array as payload': () => rawToken(goodHeader, []),
  'null as payload': () => rawToken(goodHeader, 'null'),
  'a crit header': () => forge({}, { crit: ['exp'] }),
  'a textual exp': () => forge({ exp: '9999999999' }),
  'a textual iat': () => forge({ iat: 'now' }),
  'an nbf in the future': () => forge({ nbf: now() + 600 }),
  'a foreign kid': () => forge({}, { kid: 'other' }),
  'no kid': () => forge({}, { kid: undefined }),
  'a kid that is a path': () => forge({}, { kid: '../../etc/passwd' }),
  'a key of its own in jwk': () => {
    const jwk = generateKeyPairSync('ed25519').publicKey.export({ format: 'jwk' })
    return rawToken({ ...goodHeader, jwk }, goodClaims(), other)
  },
  'a key of its own behind jku': () =>
    rawToken({ ...goodHeader, jku: 'http://127.0.0.1:9/' }, goodClaims(), other),
  'the signature of another key': () => rawToken(goodHeader, goodClaims(), other),
  'roles that are no list': () => forge({ roles: 'admin' }),
  'a number as sub': () => forge({ sub: 1 }),
  'no token at all': () => '',
  garbage: () => 'a.b.c',
  'two parts': () => 'a.b',
  'a token of 10 kB': () => 'a'.repeat(10_000),
}

for (const [name, make] of Object.entries(badTokens)) {
  test(`${name} is 401 auth.token_invalid on every protected route`, async t => {
    const app = testServer(t)
    const authorization = `Bearer ${await make()}`
    for (const url of ['/user', '/optional', '/staff']) {
      const response = await app.inject({ url, headers: { authorization } })
      t.match(problemOf(response), { status: 401, code: 'auth.token_invalid' }, url)
      t.equal(response.headers['www-authenticate'], 'Bearer error="invalid_token"', url)
    }
    t.same((await app.inject({ url: '/public', headers: { authorization } })).json(), {
      user: null,
    })
  })
}

test('tokens in other places are not read', async t => {
  const app = testServer(t)
  const token = tokens.token()
  t.equal((await app.inject('/user')).statusCode, 401)
  t.equal((await app.inject(`/user?access_token=${token}`)).statusCode, 401)
  t.equal(
    (await app.inject({ url: '/user', headers: { cookie: `token=${token}` } })).statusCode,
    401,
  )
  const basic = await app.inject({ url: '/user', headers: { authorization: `Basic ${token}` } })
  t.equal(basic.statusCode, 401)
})

test('a good token is accepted, of our signer and of another library', async t => {
  const app = testServer(t)
  const own = await app.inject({
    url: '/user',
    headers: tokens.bearer({ userId: 'user-1', sid: 'session-1', roles: ['admin'] }),
  })
  t.match(own.json(), {
    user: { userId: 'user-1', sid: 'session-1', roles: ['admin'], issuedAt: Number },
    actor: 'user:user-1',
  })
  const foreign = await new SignJWT(goodClaims()).setProtectedHeader(goodHeader).sign(privateKey)
  const response = await app.inject({
    url: '/user',
    headers: { authorization: `bearer ${foreign}` },
  })
  t.equal(response.statusCode, 200)
  // Both are signed by the right key, so they may pass; neither URL is ever fetched.
  const header = { jku: 'http://127.0.0.1:9/', x5u: 'http://127.0.0.1:9/' }
  const pointing = await app.inject({
    url: '/user',
    headers: { authorization: `Bearer ${await forge({}, header)}` },
  })
  t.equal(pointing.statusCode, 200)
})

test('a route may be open to anybody, or to users as well', async t => {
  const app = testServer(t)
  t.same((await app.inject('/optional')).json(), { user: null })
  const known = await app.inject({ url: '/optional', headers: tokens.bearer({ userId: 'u' }) })
  t.match(known.json(), { user: { userId: 'u' } })
})

test('a missing role is 403, each of the named ones suffices', async t => {
  const app = testServer(t)
  const student = await app.inject({ url: '/staff', headers: tokens.bearer() })
  t.match(problemOf(student), { status: 403, code: 'auth.role_missing' })
  for (const role of ['admin', 'librarian']) {
    const headers = tokens.bearer({ roles: ['student', role] })
    t.equal((await app.inject({ url: '/staff', headers })).statusCode, 200, role)
  }
})

test('HEAD is protected like GET', async t => {
  const app = testServer(t)
  t.equal((await app.inject({ url: '/user', method: 'HEAD' })).statusCode, 401)
  const known = await app.inject({ url: '/user', method: 'HEAD', headers: tokens.bearer() })
  t.equal(known.statusCode, 200)
})

test('a revoked token is 401, and the verifier sees when it was issued, to the millisecond', async t => {
  const seen: User[] = []
  const app = testServer(
    t,
    tokens.verifier(user => {
      seen.push(user)
      return user.sid === 'gone'
    }),
  )
  t.equal(
    (await app.inject({ url: '/user', headers: tokens.bearer({ sid: 'gone' }) })).statusCode,
    401,
  )
  t.equal((await app.inject({ url: '/user', headers: tokens.bearer() })).statusCode, 200)
  const issued = new Date(Date.now() - 1_234)
  const authorization = `Bearer ${tokens.token({}, issued)}`
  await app.inject({ url: '/user', headers: { authorization } })
  t.equal(seen.at(-1)?.issuedAt, issued.getTime() / 1_000)
})

/** Whether a second, independent implementation accepts a token. */
async function joseAccepts(token: string): Promise<boolean> {
  try {
    await jwtVerify(token, publicKey, { issuer: 'campus', audience: 'campus', typ: 'at+jwt' })
    return true
  } catch {
    return false
  }
}

test('10,000 mutated tokens get the verdict of a second library: 401', async t => {
  const app = testServer(t)
  await app.ready()
  const token = tokens.token()
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.'
  let accepted = 0
  let strange = 0
  for (let round = 0; round < 10_000; round += 1) {
    const at = (round * 7) % token.length
    const character = alphabet[round % alphabet.length] ?? ''
    const mutated = token.slice(0, at) + character + token.slice(at + 1)
    if (sameToken(mutated, token)) continue
    const authorization = `Bearer ${mutated}`
    // oxlint-disable-next-line no-await-in-loop -- 10,000 at once would only queue.
    const { statusCode } = await app.inject({ url: '/user', headers: { authorization } })
    if (statusCode !== 401) strange += 1
    // oxlint-disable-next-line no-await-in-loop
    if (await joseAccepts(mutated)) accepted += 1
  }
  t.equal(accepted, 0)
  t.equal(strange, 0)
})

/** Base64url has spare bits at its end, so two texts may be the same bytes. */
function sameToken(a: string, b: string): boolean {
  const bytes = (token: string) => token.split('.').map(part => Buffer.from(part, 'base64url'))
  const [left, right] = [bytes(a), bytes(b)]
  return (
    left.length === right.length && left.every((part, i) => part.equals(right[i] ?? Buffer.of()))
  )
}

/** A key server whose answers can be changed, and a clock that can be moved. */
async function keyServer(t: Cleanup) {
  let answer: { status: number; body: unknown } = { status: 200, body: tokens.jwks }
  let requests = 0
  let nowMs = Date.now()
  const server = createHttpServer((_request, response) => {
    requests += 1
    response.statusCode = answer.status
    response.end(JSON.stringify(answer.body))
  })
  const port = await listenOnLoopback(t, server)
  const clock: Clock = { now: () => new Date(nowMs) }
  return {
    url: `http://127.0.0.1:${port}/jwks`,
    clock,
    pass(ms: number) {
      nowMs += ms
    },
    answer(status: number, body: unknown) {
      answer = { status, body }
    },
    requests: () => requests,
  }
}

test('keys are fetched once, refreshed after 5 minutes, and rotated without a failed request', async t => {
  const keys = await keyServer(t)
  const app = testServer(t, createVerifier({ jwksUrl: keys.url, clock: keys.clock }))
  const statuses = async (headers: { authorization: string }) =>
    (await app.inject({ url: '/user', headers })).statusCode
  const burst = await Promise.all(Array.from({ length: 20 }, () => statuses(tokens.bearer())))
  t.ok(burst.every(status => status === 200))
  t.equal(keys.requests(), 1)

  const next = await testTokens('next-key')
  keys.answer(200, { keys: [...tokens.jwks.keys, ...next.jwks.keys] })
  keys.pass(31_000)
  t.equal(await statuses(next.bearer()), 200, 'an unknown kid fetches the keys')
  t.equal(await statuses(tokens.bearer()), 200)
  t.equal(keys.requests(), 2)
})

test('tokens with unknown kids fetch the keys at most once in 30 s', async t => {
  const keys = await keyServer(t)
  const app = testServer(t, createVerifier({ jwksUrl: keys.url, clock: keys.clock }))
  const forged = await forge({}, { kid: 'unknown' })
  for (let round = 0; round < 20; round += 1) {
    const { statusCode } = await app.inject({
      url: '/user',
      headers: { authorization: `Bearer ${forged}` },
    })
    t.equal(statusCode, 401)
  }
  t.equal(keys.requests(), 1)
})

test('without any keys the answer is 503, and the next second tries again', async t => {
  const keys = await keyServer(t)
  const app = testServer(t, createVerifier({ jwksUrl: keys.url, clock: keys.clock }))
  for (const [status, body] of [
    [500, {}],
    [200, { keys: 'none' }],
    [302, {}],
  ] as const) {
    keys.answer(status, body)
    const response = await app.inject({ url: '/user', headers: tokens.bearer() })
    t.match(problemOf(response), { status: 503, code: 'server.dependency_down' })
    t.ok(response.headers['retry-after'])
    keys.pass(1_001)
  }
  keys.answer(200, tokens.jwks)
  t.equal((await app.inject({ url: '/user', headers: tokens.bearer() })).statusCode, 200)
})

test('known keys stay in use while the key server is down', async t => {
  const keys = await keyServer(t)
  const app = testServer(t, createVerifier({ jwksUrl: keys.url, clock: keys.clock }))
  t.equal((await app.inject({ url: '/user', headers: tokens.bearer() })).statusCode, 200)
  keys.answer(500, {})
  keys.pass(3_600_000)
  t.equal((await app.inject({ url: '/user', headers: tokens.bearer() })).statusCode, 200)
})

test('a token that was verified is checked again for its age, its key and its revocation', async t => {
  const keys = await keyServer(t)
  const revoked = new Set<string>()
  const verifier = createVerifier({
    jwksUrl: keys.url,
    clock: keys.clock,
    isRevoked: ({ sid }) => revoked.has(sid),
  })
  const app = testServer(t, verifier)
  const first = tokens.bearer({ sid: 's1' })
  const status = async (headers: { authorization: string }) =>
    (await app.inject({ url: '/user', headers })).statusCode
  t.same([await status(first), await status(first)], [200, 200])
  revoked.add('s1')
  t.equal(await status(first), 401)

  const second = tokens.bearer({ sid: 's2' })
  t.equal(await status(second), 200)
  keys.answer(200, { keys: [] })
  keys.pass(301_000)
  await eventually(async () => equal(await status(second), 401))

  const old = `Bearer ${tokens.token({ sid: 's3' }, new Date(Date.now() - 596_000))}`
  const direct = testServer(t)
  const oldStatus = async () =>
    (await direct.inject({ url: '/user', headers: { authorization: old } })).statusCode
  t.equal(await oldStatus(), 200)
  await eventually(async () => equal(await oldStatus(), 401))
})

test('keys of other kinds in the set are ignored', async t => {
  const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 }).publicKey.export({
    format: 'jwk',
  })
  const verifier = createVerifier({
    keys: {
      keys: [{ ...rsa, kid: 'rsa' }, { kty: 'oct', k: 'AA', kid: 'oct' }, ...tokens.jwks.keys],
    },
  })
  t.equal(await verifier.keys.keyOf('rsa'), undefined)
  t.equal(await verifier.keys.keyOf('oct'), undefined)
  t.match(await verifier.keys.keyOf(tokens.kid), 'BEGIN PUBLIC KEY')
})
