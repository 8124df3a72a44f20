import assert from 'node:assert/strict'
import { randomInt } from 'node:crypto'
import { eventually } from '@campus/platform/testing/eventually'
import { problemOf } from '@campus/platform/testing/problem'
import { sql } from 'drizzle-orm'
import { t as file, test } from 'tap'
import { firstAdminSecret, newPerson, openBench, password } from './test-bench.ts'

const bench = await openBench(file)

/** Accounts with an address. */
async function countOf(email: string): Promise<number> {
  const { rows } = await bench.postgres.read(tx =>
    tx.execute(sql`select from account where email = ${email}`),
  )
  return rows.length
}

test('a person registers, confirms the address by the mailed token and logs in as a student', async t => {
  const person = newPerson()
  const registered = await bench.post('/v1/auth/register', person)
  t.equal(registered.statusCode, 202, registered.body)

  const before = await bench.logIn(person)
  t.same(before.user.roles, [], 'an unverified account holds no role')
  const token = await bench.tokenFor(person.email)
  const verified = await bench.post('/v1/auth/email/verify', { token })
  t.equal(verified.statusCode, 200, verified.body)
  t.same(verified.json().user.roles, ['student'])
  const again = await bench.post('/v1/auth/email/verify', { token })
  t.same(again.json(), verified.json(), 'a second click is harmless')

  const login = await bench.post('/v1/auth/login', { ...person, name: undefined })
  t.match(login.json(), {
    tokenType: 'Bearer',
    expiresInSeconds: 600,
    accessToken: String,
    refreshToken: String,
    user: { id: verified.json().user.id, roles: ['student'] },
  })
  const me = await bench.app.inject({
    url: '/v1/me',
    headers: { authorization: `Bearer ${login.json().accessToken}` },
  })
  t.equal(me.statusCode, 200, me.body)
  t.match(me.json(), { email: person.email, name: person.name, status: 'active', locale: 'en' })

  const userId = verified.json().user.id
  t.same(
    (await bench.emitted(`user:${userId}`)).map(({ type }) => type),
    [
      'user_registered',
      'profile_saved',
      'session_opened',
      'email_verified',
      'profile_saved',
      'session_opened',
    ],
  )
})

test('an unknown address, an unverified and a verified one get the same answer and their own mail', async t => {
  const person = newPerson()
  const spellings = [person.email, ` ${person.email.toUpperCase()} `, person.email]
  const answers = []
  for (const [index, email] of spellings.entries()) {
    answers.push(await bench.post('/v1/auth/register', { ...person, email }))
    if (index === 1) {
      const token = await bench.tokenFor(person.email, 2)
      await bench.post('/v1/auth/email/verify', { token })
    }
  }
  for (const answer of answers) {
    t.equal(answer.statusCode, 202, answer.body)
    t.equal(answer.body, answers[0]?.body)
    t.same(Object.keys(answer.headers), Object.keys(answers[0]?.headers ?? {}))
  }
  const subjects = await eventually(async () => {
    const mails = await bench.mailsTo(person.email)
    assert.equal(mails.length, 3)
    return mails.map(mail => mail.Subject)
  })
  t.same(subjects.toSorted(), [
    'Confirm your e-mail address',
    'Confirm your e-mail address',
    'You already have an account',
  ])
  t.equal(await countOf(person.email), 1)
})

test('the confirmed account has the password of whoever reads the mailbox', async t => {
  const owner = newPerson()
  const stranger = { ...owner, name: 'Mallory', password: 'strangers-choice' }
  await bench.post('/v1/auth/register', stranger)
  await bench.tokenFor(owner.email)
  const squatted = await bench.logIn(stranger)
  await bench.post('/v1/auth/register', owner)
  await bench.post('/v1/auth/email/resend', { email: owner.email })
  const token = await bench.tokenFor(owner.email, 3)
  await bench.post('/v1/auth/email/verify', { token })

  const login = await bench.post('/v1/auth/login', { ...stranger, name: undefined })
  t.equal(problemOf(login).code, 'users.credentials_wrong')
  const refreshed = await bench.post('/v1/auth/refresh', { refreshToken: squatted.refreshToken })
  t.equal(refreshed.statusCode, 401, 'the session of the stranger has ended')
  const { headers } = await bench.logIn(owner)
  t.match((await bench.app.inject({ url: '/v1/me', headers })).json(), { name: owner.name })
})

test('20 registrations of one address at once make one account', async t => {
  const person = newPerson()
  const answers = await Promise.all(
    Array.from({ length: 20 }, async () => bench.post('/v1/auth/register', person)),
  )
  t.same([...new Set(answers.map(answer => answer.statusCode))], [202])
  t.equal(await countOf(person.email), 1)
})

test('no secret stays readable in the rows of the mails', async t => {
  const person = newPerson()
  await bench.post('/v1/auth/register', person)
  const token = await bench.tokenFor(person.email)
  await eventually(async () => {
    const { rows } = await bench.postgres.read(tx => tx.execute(sql`select * from effect`))
    assert.deepEqual(
      new Set(rows.map(row => JSON.stringify([row['state'], row['payload']]))),
      new Set(['["sent",{}]']),
    )
  })
  const { rows } = await bench.postgres.read(tx =>
    tx.execute<{ text: string }>(sql`
      select row_to_json(o)::text as text from outbox o
      union all select row_to_json(o)::text from outbox_archive o
      union all select row_to_json(e)::text from email_token e
      union all select row_to_json(e)::text from effect e`),
  )
  t.notOk(rows.some(row => row.text.includes(token)))
  t.notOk(rows.some(row => row.text.includes(password)))
  const elsewhere = await bench.postgres.read(tx =>
    tx.execute<{ type: string }>(sql`
      select type from outbox where payload::text like '%@%'
      union select type from outbox_archive where payload::text like '%@%'`),
  )
  t.same(elsewhere.rows, [{ type: 'users.profile_saved.v1' }], 'addresses are in profiles only')
})

test('a token that is unknown or older than a day is refused', async t => {
  const person = newPerson()
  await bench.post('/v1/auth/register', person)
  const token = await bench.tokenFor(person.email)
  await bench.postgres.read(tx =>
    tx.execute(sql`
      update email_token set expires_at = now() - interval '1 second'
      where user_id = (select id from account where email = ${person.email})`),
  )
  for (const bad of [token, 'unknown']) {
    const response = await bench.post('/v1/auth/email/verify', { token: bad })
    t.equal(problemOf(response).code, 'users.email_token_invalid')
    t.equal(response.statusCode, 422)
  }
})

test('bad registrations are refused before anything is stored', async t => {
  const good = newPerson()
  const bad: readonly [object, number, string][] = [
    [{ email: 'a,b@example.org' }, 400, 'request.invalid'],
    [{ email: 'ada@example.org\r\nBcc: b@example.org' }, 400, 'request.invalid'],
    [{ email: 'ada' }, 400, 'request.invalid'],
    [{ password: 'short12' }, 400, 'request.invalid'],
    [{ password: 'x'.repeat(257) }, 400, 'request.invalid'],
    [{ password: 'Password123' }, 422, 'users.password_common'],
    [{ password: 'campus2026' }, 422, 'users.password_guessable'],
    [{ name: 'A\r\nB' }, 400, 'request.invalid'],
    [{ name: '   ' }, 400, 'request.invalid'],
    [{ role: 'admin' }, 400, 'request.invalid'],
    [{ roles: ['admin'] }, 400, 'request.invalid'],
    [{ locale: 'EN_us' }, 400, 'request.invalid'],
  ]
  for (const [change, status, code] of bad) {
    const response = await bench.post('/v1/auth/register', { ...good, ...change })
    t.equal(response.statusCode, status, JSON.stringify(change).slice(0, 60))
    t.equal(problemOf(response).code, code)
  }
  t.equal(await countOf(good.email), 0)
})

test('registrations are limited by address and by mailbox', async t => {
  const limited = await openBench(t, { REGISTER_PER_HOUR: '4', MAILS_PER_HOUR: '2' })
  const person = newPerson()
  // The counts are shared by all tests on one Redis, so this one comes from places of its own.
  const place = () => ({ 'x-forwarded-for': `2001:db8:${randomInt(0xffff).toString(16)}::1` })
  const from = place()
  const statuses = []
  for (const who of [person, person, person, newPerson(), newPerson()]) {
    statuses.push((await limited.post('/v1/auth/register', who, from)).statusCode)
  }
  t.same(statuses, [202, 202, 429, 202, 429], 'first the mailbox, then the address')
  const refused = await limited.post('/v1/auth/register', newPerson(), from)
  t.ok(refused.headers['retry-after'])
  const other = await limited.post('/v1/auth/register', newPerson(), place())
  t.equal(other.statusCode, 202, 'nobody else is limited')
})

test('the first admin is made once, by the secret', async t => {
  const person = newPerson()
  const url = '/v1/auth/first-admin'
  const wrong = await bench.post(url, { ...person, secret: `${firstAdminSecret}x` })
  t.equal(problemOf(wrong).code, 'users.first_admin_secret_wrong')

  const both = await Promise.all(
    [person, newPerson()].map(async someone =>
      bench.post(url, { ...someone, secret: firstAdminSecret }),
    ),
  )
  t.same(new Set(both.map(response => response.statusCode)), new Set([201, 404]))
  const winner = both[0]?.statusCode === 201 ? 0 : 1
  t.same(both[winner]?.json().user.roles, ['admin'])

  const late = await bench.post(url, { ...newPerson(), secret: firstAdminSecret })
  t.equal(late.statusCode, 404)
  const blind = await bench.post(url, { ...newPerson(), secret: 'whatever' })
  t.equal(blind.statusCode, 404, 'nobody learns whether a secret is right')
})

test('the profile changes under its version and is published with it', async t => {
  const person = await bench.someone()
  const { headers, user } = await bench.logIn(person)
  const url = '/v1/me'
  const payload = { name: 'Countess Ada', locale: 'de-AT' }
  const blind = await bench.app.inject({ method: 'PATCH', url, headers, payload })
  t.equal(blind.statusCode, 428)
  const stale = { ...headers, 'if-match': '"1"' }
  const late = await bench.app.inject({ method: 'PATCH', url, headers: stale, payload })
  t.equal(late.statusCode, 412)
  t.match(late.json(), { current: { name: person.name, version: 2 } })

  const fresh = { ...headers, 'if-match': '"2"' }
  const racing = await Promise.all(
    ['Ada One', 'Ada Two'].map(async name =>
      bench.app.inject({ method: 'PATCH', url, headers: fresh, payload: { name } }),
    ),
  )
  t.same(new Set(racing.map(response => response.statusCode)), new Set([200, 412]))
  const profiles = (await bench.emitted(`user:${user.id}`)).filter(
    ({ type }) => type === 'profile_saved',
  )
  t.same(
    profiles.map(({ data }) => data['version']),
    [1, 2, 3],
  )
})
