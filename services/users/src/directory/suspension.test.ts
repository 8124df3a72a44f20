import assert from 'node:assert/strict'
import { eventually } from '@campus/platform/testing/eventually'
import { problemOf } from '@campus/platform/testing/problem'
import { sql } from 'drizzle-orm'
import { t as file, test } from 'tap'
import { firstAdminSecret, newPerson, openBench } from '../test-bench.ts'

file.setTimeout(120_000)
const bench = await openBench(file)
const boss = newPerson()
await bench.post('/v1/auth/first-admin', { ...boss, secret: firstAdminSecret })

type Session = Awaited<ReturnType<typeof bench.logIn>>

const suspend = async (admin: Session, userId: string, code = 'terms_violated') =>
  bench.post(`/v1/users/${userId}/suspend`, { code }, admin.headers)
const reinstate = async (admin: Session, userId: string) =>
  bench.post(`/v1/users/${userId}/reinstate`, {}, admin.headers)

/** Gives somebody exactly these roles. */
async function giveRoles(admin: Session, userId: string, roles: readonly string[]) {
  const url = `/v1/users/${userId}/roles`
  const { headers } = admin
  const { version } = (await bench.app.inject({ url: `/v1/users/${userId}`, headers })).json()
  return bench.app.inject({
    method: 'PUT',
    url,
    payload: { roles },
    headers: { ...headers, 'if-match': `"${version}"` },
  })
}

const told = async (userId: string, type: string) =>
  (await bench.emitted(`user:${userId}`)).filter(event => event.type === type)

test('a suspended account is out everywhere within 5 seconds and cannot come back', async t => {
  const admin = await bench.logIn(boss)
  const person = await bench.someone()
  const sessions = [await bench.logIn(person), await bench.logIn(person)]
  const [first] = sessions
  assert.ok(first)
  const userId = first.user.id

  const suspended = await suspend(admin, userId, 'payment_fraud')
  t.equal(suspended.statusCode, 200, suspended.body)
  t.match(suspended.json(), { status: 'suspended', roles: [] })
  t.equal(suspended.headers.etag, `"${suspended.json().version}"`)
  await eventually(
    async () => {
      for (const { headers } of sessions) {
        assert.equal((await bench.app.inject({ url: '/v1/me', headers })).statusCode, 401)
      }
    },
    { timeoutMs: 5_000 },
  )
  for (const { refreshToken } of sessions) {
    t.equal((await bench.post('/v1/auth/refresh', { refreshToken })).statusCode, 401)
  }
  const login = await bench.post('/v1/auth/login', { ...person, name: undefined })
  t.equal(problemOf(login).code, 'users.account_suspended')
  const by = { type: 'user', id: admin.user.id }
  t.match(await told(userId, 'user_suspended'), [{ data: { userId, code: 'payment_fraud', by } }])
  t.match(
    (await told(userId, 'session_revoked')).map(({ data }) => data['cause']),
    ['suspended', 'suspended'],
  )
  t.match((await told(userId, 'access_revoked')).at(-1)?.data, { userId, cause: 'suspended' })

  const again = await suspend(admin, userId)
  t.equal(again.json().version, suspended.json().version, 'again changes nothing')
  t.equal((await told(userId, 'user_suspended')).length, 1)
})

test('a reinstated account logs in as before, with the roles that it had', async t => {
  const admin = await bench.logIn(boss)
  const person = await bench.someone()
  const { user } = await bench.logIn(person)
  await giveRoles(admin, user.id, ['instructor', 'student'])
  await suspend(admin, user.id)
  const back = await reinstate(admin, user.id)
  t.match(back.json(), { status: 'active', roles: ['instructor', 'student'] })
  const { headers } = await bench.logIn(person)
  t.equal((await bench.app.inject({ url: '/v1/me', headers })).statusCode, 200)
  t.equal((await reinstate(admin, user.id)).json().version, back.json().version)
  t.equal((await told(user.id, 'user_reinstated')).length, 1)
})

test('only admins suspend, and only accounts that there are', async t => {
  const admin = await bench.logIn(boss)
  const person = await bench.logIn(await bench.someone())
  for (const refused of [
    await suspend(person, admin.user.id),
    await reinstate(person, admin.user.id),
  ]) {
    t.equal(problemOf(refused).code, 'auth.role_missing')
  }
  const nobody = '0193a1c0-0000-7000-8000-000000000000'
  t.equal(problemOf(await suspend(admin, nobody)).code, 'request.not_found')
  t.equal(problemOf(await reinstate(admin, nobody)).code, 'request.not_found')
  t.equal((await suspend(admin, person.user.id, 'bad mood')).statusCode, 400)

  const unverified = newPerson()
  await bench.post('/v1/auth/register', unverified)
  const { user } = await bench.logIn(unverified)
  t.equal(problemOf(await suspend(admin, user.id)).code, 'users.account_unverified')
  await bench.postgres.read(tx =>
    tx.execute(sql`update account set state = 'erasing' where id = ${person.user.id}`),
  )
  t.equal(problemOf(await suspend(admin, person.user.id)).code, 'users.account_leaving')
  t.equal(problemOf(await reinstate(admin, person.user.id)).code, 'users.account_leaving')
})

test('a change of roles is told with both sets and who did it; none is told of nothing', async t => {
  const admin = await bench.logIn(boss)
  const { user } = await bench.logIn(await bench.someone())
  await giveRoles(admin, user.id, ['librarian', 'student'])
  await giveRoles(admin, user.id, ['student', 'librarian'])
  const by = { type: 'user', id: admin.user.id }
  t.same(
    (await told(user.id, 'roles_changed')).map(({ data }) => data),
    [{ userId: user.id, old: ['student'], new: ['librarian', 'student'], by }],
  )
})

test('a new password is told, without a word of it', async t => {
  const person = await bench.someone()
  const { user, headers } = await bench.logIn(person)
  const payload = { currentPassword: person.password, password: 'fourteen-oranges' }
  await bench.app.inject({ method: 'PUT', url: '/v1/me/password', payload, headers })
  t.same(
    (await told(user.id, 'password_changed')).map(({ data }) => data),
    [{ userId: user.id }],
  )
})

test('the published profile has the version of its account after every change of the account', async t => {
  const admin = await bench.logIn(boss)
  const person = await bench.someone()
  const { user, headers } = await bench.logIn(person)
  await giveRoles(admin, user.id, ['librarian'])
  const payload = { currentPassword: person.password, password: 'fourteen-oranges' }
  await bench.app.inject({ method: 'PUT', url: '/v1/me/password', payload, headers })
  await suspend(admin, user.id)
  const { version } = (await reinstate(admin, user.id)).json()
  const versions = (await told(user.id, 'profile_saved')).map(({ data }) => data['version'])
  t.same(versions.slice(-4), [version - 3, version - 2, version - 1, version])
})

test('there is always an active admin, also when two suspend and demote each other at once', async t => {
  const admin = await bench.logIn(boss)
  t.equal(problemOf(await suspend(admin, admin.user.id)).code, 'users.last_admin')
  const other = await bench.someone()
  const { user } = await bench.logIn(other)
  await giveRoles(admin, user.id, ['admin', 'student'])
  const second = await eventually(async () => {
    const session = await bench.logIn(other)
    assert.ok(session.user.roles.includes('admin'))
    return session
  })
  const answers = await Promise.all([
    suspend(admin, user.id),
    suspend(second, admin.user.id),
    giveRoles(admin, user.id, ['student']),
    giveRoles(second, admin.user.id, []),
  ])
  const { rows } = await bench.postgres.read(tx =>
    tx.execute(sql`select id from account where state = 'active' and 'admin' = any (roles)`),
  )
  t.equal(rows.length, 1, answers.map(({ statusCode }) => statusCode).join())
})
