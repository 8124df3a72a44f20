import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { eventually } from '@campus/platform/testing/eventually'
import { problemOf } from '@campus/platform/testing/problem'
import { sql } from 'drizzle-orm'
import { t as file, test } from 'tap'
import { firstAdminSecret, newPerson, openBench } from './test-bench.ts'

const bench = await openBench(file)
const boss = newPerson()
await bench.post('/v1/auth/first-admin', { ...boss, secret: firstAdminSecret })

/** What `put` and `get` of somebody answer. */
function as({ headers }: { readonly headers: Record<string, string> }) {
  return {
    get: async (url: string) => bench.app.inject({ url, headers }),
    put: async (url: string, payload: object, more: Record<string, string> = {}) =>
      bench.app.inject({ method: 'PUT', url, payload, headers: { ...headers, ...more } }),
  }
}

const chosen = 'fourteen-oranges'

test('a new password is chosen by the mailed token, once, and every session ends', async t => {
  const person = await bench.someone()
  const session = await bench.logIn(person)
  const forgot = await bench.post('/v1/auth/password/forgot', { email: person.email })
  t.equal(forgot.statusCode, 202)
  const token = await bench.tokenFor(person.email, 2)

  const weak = await bench.post('/v1/auth/password/reset', { token, password: 'password123' })
  t.equal(problemOf(weak).code, 'users.password_common', 'which does not use the token up')
  const both = await Promise.all(
    [1, 2].map(async () => bench.post('/v1/auth/password/reset', { token, password: chosen })),
  )
  t.same(new Set(both.map(response => response.statusCode)), new Set([204, 422]))

  const old = await bench.post('/v1/auth/login', { ...person, name: undefined })
  t.equal(old.statusCode, 401)
  t.ok(await bench.logIn({ ...person, password: chosen }))
  const { refreshToken } = session
  t.equal((await bench.post('/v1/auth/refresh', { refreshToken })).statusCode, 401)
  await eventually(async () => {
    assert.equal((await as(session).get('/v1/me')).statusCode, 401)
  })
})

test('whoever forgot a password that never was learns nothing', async t => {
  const known = await bench.someone()
  const unverified = newPerson()
  await bench.post('/v1/auth/register', unverified)
  const answers = await Promise.all(
    [known, unverified, newPerson()].map(async ({ email }) =>
      bench.post('/v1/auth/password/forgot', { email }),
    ),
  )
  t.equal(new Set(answers.map(answer => `${answer.statusCode} ${answer.body}`)).size, 1)
  const { rows } = await bench.postgres.read(tx =>
    tx.execute(sql`select from effect where kind = 'mail_request'`),
  )
  t.ok(rows.length >= 3, 'each is noted alike, so that none takes another time')
  // The unverified one is asked to confirm first.
  const token = await bench.tokenFor(unverified.email, 2)
  const verified = await bench.post('/v1/auth/email/verify', { token })
  t.equal(verified.statusCode, 200)
})

test('a reset token is refused after an hour', async t => {
  const person = await bench.someone()
  await bench.post('/v1/auth/password/forgot', { email: person.email })
  const token = await bench.tokenFor(person.email, 2)
  await bench.postgres.read(tx =>
    tx.execute(sql`update password_token set expires_at = now() - interval '1 second'`),
  )
  const response = await bench.post('/v1/auth/password/reset', { token, password: chosen })
  t.equal(problemOf(response).code, 'users.password_token_invalid')
})

test('the own password is changed by whoever knows the present one', async t => {
  const person = await bench.someone()
  const session = await bench.logIn(person)
  const url = '/v1/me/password'
  const wrong = await as(session).put(url, { currentPassword: 'wrong', password: chosen })
  t.equal(problemOf(wrong).code, 'users.password_wrong')
  const change = { currentPassword: person.password, password: chosen }
  const racing = await Promise.all([1, 2].map(async () => as(session).put(url, change)))
  t.ok(racing.some(response => response.statusCode === 204))
  t.ok(await bench.logIn({ ...person, password: chosen }))
})

test('the links of mails open pages that send nothing by themselves', async t => {
  for (const url of ['/v1/auth/email/verify', '/v1/auth/password/reset']) {
    const { statusCode, headers, body } = await bench.app.inject(url)
    t.equal(statusCode, 200)
    t.match(headers['content-type'], 'text/html')
    const policy = String(headers['content-security-policy'])
    t.match(policy, "default-src 'none'")
    t.notMatch(policy, 'unsafe')
    const script = /<script>([^]*)<\/script>/.exec(body)?.[1] ?? ''
    const hash = createHash('sha256').update(script).digest('base64')
    t.ok(policy.includes(`script-src 'sha256-${hash}'`), 'the policy names the script of the page')
  }
})

test('an admin finds accounts and gives roles, which count within seconds', async t => {
  const admin = as(await bench.logIn(boss))
  const person = await bench.someone()
  const session = await bench.logIn(person)
  const found = await admin.get(`/v1/users?q=${person.email.toUpperCase()}&role=student`)
  t.equal(found.statusCode, 200, found.body)
  t.match(found.json().data, [{ id: session.user.id, status: 'active' }])
  t.same((await admin.get('/v1/users?q=%25')).json().data, [], 'a wildcard is a character')

  const url = `/v1/users/${session.user.id}`
  const { etag } = (await admin.get(url)).headers
  const roles = ['librarian', 'student']
  t.equal((await admin.put(`${url}/roles`, { roles })).statusCode, 428)
  const given = await admin.put(`${url}/roles`, { roles }, { 'if-match': String(etag) })
  t.equal(given.statusCode, 200, given.body)
  t.same(given.json().roles, roles)
  await eventually(async () => {
    assert.equal((await as(session).get('/v1/me')).statusCode, 401, 'the old token is void')
  })
  const { refreshToken } = session
  const refreshed = await bench.post('/v1/auth/refresh', { refreshToken })
  t.same(refreshed.json().user.roles, roles)
  const headers = { authorization: `Bearer ${refreshed.json().accessToken}` }
  t.equal((await as({ headers }).get('/v1/me')).statusCode, 200, 'the new one is good at once')
})

test('only admins see accounts', async t => {
  const session = await bench.logIn(await bench.someone())
  for (const url of ['/v1/users', `/v1/users/${session.user.id}`]) {
    t.equal((await as(session).get(url)).statusCode, 403)
    t.equal((await bench.app.inject(url)).statusCode, 401)
  }
  const roles = await as(session).put(`/v1/users/${session.user.id}/roles`, { roles: ['admin'] })
  t.equal(roles.statusCode, 403)
})

test('two admins cannot take the role from each other, and an unverified account gets none', async t => {
  const first = await bench.logIn(boss)
  const person = await bench.someone()
  const { user } = await bench.logIn(person)
  const promoted = await as(first).put(
    `/v1/users/${user.id}/roles`,
    { roles: ['admin'] },
    { 'if-match': '*' },
  )
  t.equal(promoted.statusCode, 200, promoted.body)
  const second = await bench.logIn(person)
  const demote = { roles: ['student'] }
  const both = await Promise.all([
    as(first).put(`/v1/users/${second.user.id}/roles`, demote, { 'if-match': '*' }),
    as(second).put(`/v1/users/${first.user.id}/roles`, demote, { 'if-match': '*' }),
  ])
  t.same(new Set(both.map(response => response.statusCode)), new Set([200, 409]))
  const refused = both.find(response => response.statusCode === 409)
  t.match(refused?.json(), { code: 'users.last_admin' })

  const newcomer = newPerson()
  await bench.post('/v1/auth/register', newcomer)
  const { id } = (await bench.logIn(newcomer)).user
  const winner = both[0]?.statusCode === 200 ? boss : person
  const late = await as(await bench.logIn(winner)).put(
    `/v1/users/${id}/roles`,
    { roles: ['librarian'] },
    { 'if-match': '*' },
  )
  t.equal(problemOf(late).code, 'users.account_unverified')
})
