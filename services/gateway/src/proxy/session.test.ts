import type { Cleanup } from '@campus/platform/testing/cleanup'
import { problemOf } from '@campus/platform/testing/problem'
import { testTokens } from '@campus/platform/testing/tokens'
import { test } from 'tap'
import { accessCookie, csrfCookie, readCookie, refreshCookie } from '../browser/cookies.ts'
import { open } from '../test-bench.ts'

const home = 'http://127.0.0.1:8080'
const settings = { CSRF_SECRET: 'a secret for tests only', CORS_ORIGINS: 'https://campus.example' }
const ownPage = { origin: home, 'sec-fetch-site': 'same-origin' }
const cookieMode = { 'x-session-mode': 'cookie' }

interface Cookie {
  readonly name: string
  readonly value: string
}

/** A gateway in front of a users service that knows one session, and a browser. */
async function openBrowser(t: Cleanup, more: Record<string, string> = {}) {
  const tokens = await testTokens()
  let refreshed = 0
  let logoutStatus = 204
  const bench = await open(
    t,
    { ...settings, ...more },
    (request, response, body) => {
      if (request.url === '/v1/auth/logout') {
        response.writeHead(logoutStatus).end()
        return true
      }
      if (request.url !== '/v1/auth/login' && request.url !== '/v1/auth/refresh') return false
      if (body.includes('wrong')) {
        response.writeHead(401, { 'content-type': 'application/problem+json' }).end('{}')
        return true
      }
      refreshed += 1
      const accessToken = tokens.token({ sid: 'session-1' })
      const opened = {
        accessToken,
        tokenType: 'Bearer',
        expiresInSeconds: 600,
        refreshToken: `refresh-${refreshed}`,
        user: { id: 'u' },
      }
      response.writeHead(200, { 'content-type': 'application/json', 'set-cookie': 'spy=1' })
      response.end(JSON.stringify(opened))
      return true
    },
    tokens,
  )
  const { app } = bench

  async function login(headers: Record<string, string> = { ...cookieMode, ...ownPage }) {
    const payload = { email: 'a@b.c', password: 'x' }
    return app.inject({ method: 'POST', url: '/v1/auth/login', headers, payload })
  }

  /** Logs in and answers how the page of that browser calls. */
  async function signIn() {
    const { cookies } = await login()
    const cookie = cookies.map(({ name, value }: Cookie) => `${name}=${value}`).join('; ')
    const csrf = readCookie(cookie, csrfCookie) ?? ''
    return { cookie, own: { ...ownPage, cookie, 'x-csrf-token': csrf } }
  }
  const failLogout = () => {
    logoutStatus = 503
  }
  return { ...bench, login, signIn, failLogout }
}

test('S50: login in cookie mode answers tokens as cookies that no script and no other site gets', async t => {
  const { login } = await openBrowser(t)
  const answer = await login()
  t.equal(answer.statusCode, 200)
  const cookies = [answer.headers['set-cookie'] ?? []].flat()
  t.same(
    cookies.map(text => text.split('=')[0]),
    [accessCookie, refreshCookie, csrfCookie],
  )
  for (const text of cookies) {
    t.match(text, /^__Host-[^;]+; Path=\/; Secure; SameSite=Strict; Max-Age=2592000/)
    t.notMatch(text, /domain/i)
    t.equal(text.includes('HttpOnly'), !text.startsWith(csrfCookie))
  }
  const { csrfToken, ...rest } = answer.json()
  t.same(rest, { expiresInSeconds: 600, user: { id: 'u' } }, 'the body holds no token')
  t.match(cookies[2], `=${csrfToken};`)
})

test('S50: without the header a login answers as users does, and sets no cookie', async t => {
  const { login } = await openBrowser(t)
  const answer = await login({})
  t.match(answer.json(), { accessToken: String, refreshToken: String })
  t.equal(answer.headers['set-cookie'], undefined)
})

test('S50: the access cookie identifies reads, and reaches services as a bearer token', async t => {
  const { app, signIn, seen } = await openBrowser(t)
  const { cookie } = await signIn()
  const answer = await app.inject({ url: '/v1/orders', headers: { cookie } })
  t.equal(answer.statusCode, 201)
  t.match(seen.at(-1)?.headers, { authorization: /^Bearer ey/, cookie: undefined })
  const bearer = { cookie, authorization: 'Bearer nonsense' }
  const refused = await app.inject({ url: '/v1/orders', headers: bearer })
  t.equal(problemOf(refused).code, 'auth.token_invalid', 'Authorization comes first')
  const twice = await app.inject({ url: '/v1/orders', headers: { cookie: `${cookie}; ${cookie}` } })
  t.equal(twice.statusCode, 201)
  t.equal(seen.at(-1)?.headers.authorization, undefined, 'two of one name identify nobody')
})

test('S50: a change needs the token of its session, the origin and the site', async t => {
  const { app, signIn, seen, tokens } = await openBrowser(t)
  const { own, cookie } = await signIn()
  const before = seen.length
  const post = async (headers: Record<string, string>, payload: object | string | undefined = {}) =>
    app.inject({ method: 'POST', url: '/v1/orders', headers, ...(payload !== '' && { payload }) })

  const other = `${accessCookie}=${tokens.token({ sid: 'session-2' })}`
  const { 'x-csrf-token': _token, ...withoutToken } = own
  const { origin: _origin, ...withoutOrigin } = own
  const refused: readonly (readonly [string, Record<string, string>])[] = [
    ['no token', withoutToken],
    ['a wrong token', { ...own, 'x-csrf-token': 'x'.repeat(43) }],
    ['the token of another session', { ...own, cookie: other }],
    ['no origin', withoutOrigin],
    ['a foreign origin', { ...own, origin: 'https://evil.example' }],
    ['the origin null', { ...own, origin: 'null' }],
    ['a look-alike', { ...own, origin: `${home}.evil.example` }],
    ['a cross-site request', { ...own, 'sec-fetch-site': 'cross-site' }],
    ['a request of a sibling site', { ...own, 'sec-fetch-site': 'same-site' }],
    ['a cookie that is no token', { ...own, cookie: `${accessCookie}=nonsense` }],
    [
      'a form of another site',
      { cookie, origin: 'https://evil.example', 'content-type': 'text/plain' },
    ],
  ]
  for (const [name, headers] of refused) {
    const answer = await post(headers)
    t.match(problemOf(answer), { status: 403, code: 'auth.csrf_failed' }, name)
    const bodyless = await post(headers, '')
    t.equal(bodyless.statusCode, 403, `${name}, without a body`)
  }
  t.equal(seen.length, before, 'none of them reached a service')
  for (const method of ['PUT', 'PATCH', 'DELETE'] as const) {
    const answer = await app.inject({ method, url: '/v1/orders', headers: { cookie } })
    t.equal(answer.statusCode, 403, method)
  }
  t.equal((await post(own)).statusCode, 201)
  t.equal((await post({ ...own, origin: 'https://campus.example' })).statusCode, 201)
  const bearer = { cookie, ...tokens.bearer() }
  t.equal((await post(bearer)).statusCode, 201, 'a bearer token is nothing that a browser adds')
})

test('S50: another site can neither log anybody in nor refresh or end a session', async t => {
  const { app, login, signIn, seen } = await openBrowser(t)
  const { own, cookie } = await signIn()
  const before = seen.length
  const foreign = { ...ownPage, origin: 'https://evil.example', 'sec-fetch-site': 'cross-site' }
  t.equal(problemOf(await login({ ...cookieMode, ...foreign })).code, 'auth.csrf_failed')
  for (const url of ['/v1/auth/refresh', '/v1/auth/logout']) {
    for (const headers of [
      { ...own, ...foreign, ...cookieMode },
      { ...ownPage, ...cookieMode, cookie },
    ]) {
      const answer = await app.inject({ method: 'POST', url, headers })
      t.equal(problemOf(answer).code, 'auth.csrf_failed', url)
    }
  }
  t.equal(seen.length, before)
})

test('S50: refresh takes the refresh cookie, and open pages keep their CSRF token', async t => {
  const { app, signIn, seen } = await openBrowser(t)
  const { own, cookie } = await signIn()
  const request = { method: 'POST', url: '/v1/auth/refresh' } as const
  const answer = await app.inject({ ...request, headers: { ...own, ...cookieMode } })
  t.equal(answer.statusCode, 200)
  const { method, headers, body } = seen.at(-1) ?? {}
  t.match({ method, body }, { method: 'POST', body: '{"refreshToken":"refresh-1"}' })
  t.match(headers, { 'content-type': 'application/json', authorization: undefined })
  const found = new Map(answer.cookies.map(({ name, value }: Cookie) => [name, value]))
  t.equal(found.get(refreshCookie), 'refresh-2')
  t.equal(found.get(csrfCookie), own['x-csrf-token'])
  t.equal(answer.json().csrfToken, own['x-csrf-token'])

  const none = await app.inject({ ...request, headers: { ...ownPage, ...cookieMode } })
  t.equal(problemOf(none).code, 'auth.token_invalid', 'no cookies, no session')

  const over = cookie.replace('refresh-1', 'wrong')
  const ended = await app.inject({ ...request, headers: { ...own, ...cookieMode, cookie: over } })
  t.equal(ended.statusCode, 401)
  t.match(ended.headers['set-cookie'], [/Max-Age=0/, /Max-Age=0/, /Max-Age=0/])
})

test('S50: logout ends the session by its refresh token and clears the cookies', async t => {
  const { app, signIn, seen, failLogout } = await openBrowser(t)
  const { own } = await signIn()
  const request = { method: 'POST', url: '/v1/auth/logout', headers: own } as const
  const answer = await app.inject(request)
  t.equal(answer.statusCode, 204)
  t.equal(seen.at(-1)?.body, '{"refreshToken":"refresh-1"}')
  const cleared = [answer.headers['set-cookie'] ?? []].flat()
  t.same(
    cleared.map(text => text.split(';')[0]),
    [`${accessCookie}=`, `${refreshCookie}=`, `${csrfCookie}=`],
  )
  failLogout()
  const failed = await app.inject(request)
  t.match(failed, { statusCode: 503, headers: { 'set-cookie': undefined } }, 'it is still open')
})

test('S50: a mode that does not exist is 400, cookies that are switched off are 422 and ignored', async t => {
  const { login } = await openBrowser(t)
  const unknown = await login({ 'x-session-mode': 'magic', ...ownPage })
  t.equal(problemOf(unknown).code, 'request.invalid')
  const off = await openBrowser(t, { CSRF_SECRET: '' })
  t.equal(problemOf(await off.login()).code, 'gateway.cookies_off')
  const cookie = `${accessCookie}=${off.tokens.token()}`
  await off.app.inject({ url: '/v1/orders', headers: { cookie } })
  t.equal(off.seen.at(-1)?.headers.authorization, undefined)
})
