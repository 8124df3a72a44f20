import assert from 'node:assert/strict'
import { createVerifier } from '@campus/platform/http/auth'
import { eventually } from '@campus/platform/testing/eventually'
import { problemOf } from '@campus/platform/testing/problem'
import { sql } from 'drizzle-orm'
import { t as file, test } from 'tap'
import { buildService } from './service.ts'
import { newPerson, openBench } from './test-bench.ts'
import { startUsersProcess } from './test-process.ts'

file.jobs = 3

const bench = await openBench(file)

async function refresh(refreshToken: string) {
  return bench.post('/v1/auth/refresh', { refreshToken })
}

/** Moves every use of a token of somebody into the past. */
async function waitOut(userId: string, seconds: number) {
  await bench.postgres.read(tx =>
    tx.execute(sql`
      update refresh_token set used_at = used_at - make_interval(secs => ${seconds})
      where sid in (select sid from session where user_id = ${userId})`),
  )
}

test('a refresh token is exchanged once; repeated within the grace it gives the same one', async t => {
  const { refreshToken } = await bench.logIn(await bench.someone())
  const first = await refresh(refreshToken)
  t.equal(first.statusCode, 200, first.body)
  t.match(first.json(), { tokenType: 'Bearer', user: { roles: ['student'] } })
  const next = first.json().refreshToken
  t.not(next, refreshToken)
  t.equal((await refresh(refreshToken)).json().refreshToken, next)
  t.equal((await refresh(next)).statusCode, 200)
})

test('20 refreshes of one token at once keep one family and log nobody out', async t => {
  const { refreshToken, user } = await bench.logIn(await bench.someone())
  const answers = await Promise.all(Array.from({ length: 20 }, async () => refresh(refreshToken)))
  t.same(new Set(answers.map(answer => answer.statusCode)), new Set([200]))
  const tokens = new Set(answers.map(answer => answer.json().refreshToken))
  t.equal(tokens.size, 1)
  const [next] = tokens
  t.equal((await refresh(String(next))).statusCode, 200)
  const types = (await bench.emitted(`user:${user.id}`)).map(({ type }) => type)
  t.notOk(types.includes('refresh_reuse_detected'))
})

test('an old token that comes back ends the session everywhere', async t => {
  const person = await bench.someone()
  const other = await bench.logIn(person)
  const { refreshToken, user, headers } = await bench.logIn(person)
  const next = (await refresh(refreshToken)).json().refreshToken
  await waitOut(user.id, 11)
  const stolen = await refresh(refreshToken)
  t.equal(stolen.statusCode, 401)
  t.equal(problemOf(stolen).code, 'users.refresh_invalid')
  t.equal((await refresh(next)).statusCode, 401, 'its successor is void too')
  t.same(
    (await bench.emitted(`user:${user.id}`))
      .slice(-2)
      .map(({ type, data }) => [type, data['cause']]),
    [
      ['refresh_reuse_detected', undefined],
      ['session_revoked', 'reuse'],
    ],
  )
  await eventually(async () => {
    const me = await bench.app.inject({ url: '/v1/me', headers })
    assert.equal(me.statusCode, 401)
  })
  const elsewhere = await bench.app.inject({ url: '/v1/me', headers: other.headers })
  t.equal(elsewhere.statusCode, 200, 'other sessions of the account live on')
  await refresh(refreshToken)
  const reuses = (await bench.emitted(`user:${user.id}`)).filter(
    ({ type }) => type === 'refresh_reuse_detected',
  )
  t.equal(reuses.length, 1, 'what is over is told once')
})

test('the grandparent of a token is a reuse even within the grace', async t => {
  const { refreshToken } = await bench.logIn(await bench.someone())
  const second = (await refresh(refreshToken)).json().refreshToken
  const third = (await refresh(second)).json().refreshToken
  t.equal((await refresh(refreshToken)).statusCode, 401)
  t.equal((await refresh(third)).statusCode, 401)
})

test('logout ends the session of the bearer for refreshes and for every service', async t => {
  const { headers, refreshToken, user } = await bench.logIn(await bench.someone())
  const out = await bench.app.inject({ method: 'POST', url: '/v1/auth/logout', headers })
  t.equal(out.statusCode, 204, out.body)
  t.equal((await refresh(refreshToken)).statusCode, 401)
  await eventually(async () => {
    const me = await bench.app.inject({ url: '/v1/me', headers })
    assert.equal(me.statusCode, 401)
  })
  const revocations = await eventually(async () => {
    const all = await bench.records('campus.users.revocations')
    const records = all.filter(record => String(record.value).includes(user.id))
    assert.equal(records.length, 1)
    return records
  })
  t.match(JSON.parse(String(revocations[0]?.value)), { userId: user.id, cause: 'logout' })
  t.match(revocations[0]?.key, /^session:/)
})

test('logout by the refresh token alone ends its session; an unknown one is no news', async t => {
  const { refreshToken } = await bench.logIn(await bench.someone())
  for (const token of [refreshToken, refreshToken, 'unknown']) {
    t.equal((await bench.post('/v1/auth/logout', { refreshToken: token })).statusCode, 204)
  }
  t.equal((await refresh(refreshToken)).statusCode, 401)
  const nobody = await bench.app.inject({ method: 'POST', url: '/v1/auth/logout' })
  t.equal(nobody.statusCode, 401)
})

test('a wrong password and an unknown address are refused by the same answer', async t => {
  const person = await bench.someone()
  const tries = [
    { email: person.email, password: 'wrong' },
    { email: newPerson().email, password: 'wrong' },
    { email: 'no address at all', password: 'wrong' },
    { email: person.email, password: `${person.password} ` },
  ]
  for (const payload of tries) {
    const {
      requestId: _id,
      instance: _urn,
      ...problem
    } = problemOf(await bench.post('/v1/auth/login', payload))
    t.same(problem, {
      type: 'http://127.0.0.1:8080/problems/users.credentials_wrong',
      title: 'The e-mail address or the password is wrong.',
      status: 401,
      code: 'users.credentials_wrong',
      reasons: [
        {
          code: 'users.credentials_wrong',
          message: 'The e-mail address or the password is wrong.',
        },
      ],
    })
  }
})

test('a suspended account neither logs in nor refreshes, and says so to its owner only', async t => {
  const person = await bench.someone()
  const { refreshToken } = await bench.logIn(person)
  await bench.postgres.read(tx =>
    tx.execute(sql`update account set state = 'suspended' where email = ${person.email}`),
  )
  const { name: _, ...login } = person
  t.equal(problemOf(await bench.post('/v1/auth/login', login)).code, 'users.account_suspended')
  const stranger = await bench.post('/v1/auth/login', { ...login, password: 'wrong' })
  t.equal(problemOf(stranger).code, 'users.credentials_wrong')
  t.equal((await refresh(refreshToken)).statusCode, 401)
})

test('a password stored with weaker parameters is stored anew at login', async t => {
  const person = await bench.someone()
  const weak =
    '$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4'
  await bench.postgres.read(tx =>
    tx.execute(sql`update account set password_hash = ${weak} where email = ${person.email}`),
  )
  await bench.logIn({ ...person, password: 'password' })
  const { rows } = await bench.postgres.read(tx =>
    tx.execute(
      sql`select left(password_hash, 29) as start from account where email = ${person.email}`,
    ),
  )
  t.same(rows, [{ start: '$argon2id$v=19$m=19456,t=2,p=' }])
  t.ok(await bench.logIn({ ...person, password: 'password' }))
})

test('logins to one account are limited wherever they come from', async t => {
  const limited = await openBench(t, { LOGIN_PER_MINUTE_ACCOUNT: '3' })
  const { email } = newPerson()
  const statuses = []
  for (const i of [1, 2, 3, 4]) {
    const from = { 'x-forwarded-for': `192.0.2.${i}` }
    const spelling = i % 2 === 0 ? email : email.toUpperCase()
    const response = await limited.post('/v1/auth/login', { email: spelling, password: 'x' }, from)
    statuses.push(response.statusCode)
  }
  t.same(statuses, [401, 401, 401, 429])
})

test('a session ends after 30 days although it was refreshed, and tells so', async t => {
  const { refreshToken, user } = await bench.logIn(await bench.someone())
  const { rows } = await bench.postgres.read(tx =>
    tx.execute(sql`
      select extract(day from expires_at - opened_at)::int as days
      from session where user_id = ${user.id}`),
  )
  t.same(rows, [{ days: 30 }])
  await bench.postgres.read(tx =>
    tx.execute(sql`update session set expires_at = now() where user_id = ${user.id}`),
  )
  t.equal((await refresh(refreshToken)).statusCode, 401)
  // The sweep runs at start.
  const second = buildService({ ...bench.config, PORT: 0, ADMIN_PORT: 0 })
  await second.start()
  t.teardown(() => second.stop())
  await eventually(async () => {
    const last = (await bench.emitted(`user:${user.id}`)).at(-1)
    assert.equal(last?.type, 'session_revoked')
    assert.equal(last?.data['cause'], 'expired')
  })
})

test('replicas that start at once share one signing key, which is stored sealed', async t => {
  await bench.app.inject('/.well-known/jwks.json')
  await bench.postgres.read(tx => tx.execute(sql`delete from signing_key`))
  const replicas = Array.from({ length: 3 }, () =>
    buildService({ ...bench.config, PORT: 0, ADMIN_PORT: 0 }),
  )
  t.teardown(async () => Promise.all(replicas.map(async replica => replica.stop())))
  await Promise.all(replicas.map(async replica => replica.start()))
  const answers = await Promise.all(
    replicas.map(async ({ app }) => app.inject('/.well-known/jwks.json')),
  )
  t.equal(new Set(answers.map(answer => answer.body)).size, 1)
  const { keys } = answers[0]?.json() ?? {}
  t.equal(keys.length, 1)
  t.same(Object.keys(keys[0]).toSorted(), ['alg', 'crv', 'kid', 'kty', 'use', 'x'])
  const { rows } = await bench.postgres.read(tx =>
    tx.execute<{ text: string }>(sql`select row_to_json(k)::text as text from signing_key k`),
  )
  t.equal(rows.length, 1)
  t.notOk(rows[0]?.text.includes('PRIVATE'))
})

test('access tokens are verified by what is published', async t => {
  const { headers } = await bench.logIn(await bench.someone())
  const { keys } = (await bench.app.inject('/.well-known/jwks.json')).json()
  t.ok(createVerifier({ keys: { keys } }))
  const [head = '', body = ''] = headers.authorization.slice('Bearer '.length).split('.')
  const read = (part: string) => JSON.parse(Buffer.from(part, 'base64url').toString())
  t.match(read(head), { alg: 'EdDSA', typ: 'at+jwt', kid: keys[0].kid })
  const claims = read(body)
  t.equal(claims.exp - claims.iat, 600)
  t.notMatch(JSON.stringify(claims), /@/, 'no address in a token')
})

test('no log line holds a password, a token or an address', async t => {
  const person = await bench.someone()
  const { accessToken, refreshToken } = await bench.logIn(person)
  const process = await startUsersProcess(t, bench.env, { LOG_LEVEL: 'trace' })
  const asked: readonly [string, object][] = [
    ['login', { email: person.email, password: person.password }],
    ['login', { email: person.email, password: `${person.password}x` }],
    ['register', { ...person, name: '' }],
    ['register', { ...person, email: `new-${person.email}` }],
    ['refresh', { refreshToken }],
    ['refresh', { refreshToken: `${refreshToken}x` }],
    ['password/forgot', { email: person.email }],
  ]
  for (const [path, body] of asked) {
    await fetch(`${process.url}/v1/auth/${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${accessToken}` },
      body: JSON.stringify(body),
    })
  }
  await bench.tokenFor(person.email, 2)
  const log = await process.stop()
  t.match(log, 'users.credentials_wrong', 'the log is that of these requests')
  for (const secret of [person.password, person.email, accessToken, refreshToken]) {
    t.notOk(log.includes(secret))
  }
})
