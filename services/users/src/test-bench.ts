import { createServer } from 'node:http'
import { topics } from '@campus/contracts/topics'
import type { App } from '@campus/platform/http/server'
import { loadConfig } from '@campus/platform/process/config'
import type { Cleanup } from '@campus/platform/testing/cleanup'
import { eventually } from '@campus/platform/testing/eventually'
import { listenOnLoopback } from '@campus/platform/testing/listen'
import { createTestSurroundings } from '@campus/platform/testing/service'
import { sql } from 'drizzle-orm'
import { Type } from 'typebox'
import { Check } from 'typebox/value'
import { Config } from './config.ts'
import { buildService } from './service.ts'

export const firstAdminSecret = 'only-for-tests-first-admin'
export const password = 'Thirteen-oranges'

/** Who registers in a test. */
export interface Person {
  readonly email: string
  readonly password: string
  readonly name: string
}

/** A whole users service with everything around it; each has a database and topics of its own. */
export async function openBench(t: Cleanup, settings: Record<string, string> = {}) {
  const around = await createTestSurroundings(t, { service: 'users', topics })
  const { SMTP_URL, INBOX_URL: inboxUrl } = process.env
  if (SMTP_URL === undefined || inboxUrl === undefined) {
    throw new Error('Run the tests by `npm test`: it starts an inbox.')
  }
  let app: App | undefined
  // The service verifies its own tokens, by the keys that it publishes.
  const issuer = createServer((_request, response) => {
    void app?.inject('/.well-known/jwks.json').then(({ body }) => response.end(body))
  })
  const env = {
    ...around.env,
    JWKS_URL: `http://127.0.0.1:${await listenOnLoopback(t, issuer)}/jwks.json`,
    SMTP_URL,
    KEY_ENCRYPTION_SECRET: 'only-for-tests-key-encryption',
    FIRST_ADMIN_SECRET: firstAdminSecret,
    LOGIN_PER_MINUTE_ADDRESS: '10000',
    LOGIN_PER_MINUTE_ACCOUNT: '10000',
    REGISTER_PER_HOUR: '10000',
    MAILS_PER_HOUR: '10000',
    ...settings,
  }
  const config = loadConfig(Config, env)
  const service = buildService(config)
  app = service.app
  await service.start()
  t.teardown(() => service.stop())

  /** A busy machine sheds requests: like any good client this one tries those again. */
  async function post(url: string, payload: object, headers: Record<string, string> = {}) {
    return eventually(async () => {
      const response = await service.app.inject({ method: 'POST', url, payload, headers })
      if (response.statusCode === 503) throw new Error(response.body)
      return response
    })
  }

  /** Mails to an address, the oldest first. */
  async function mailsTo(address: string): Promise<readonly { Subject: string; Text: string }[]> {
    const found = await getJson(`${inboxUrl}/api/v1/search?query=to:${encodeURIComponent(address)}`)
    if (!Check(MailList, found)) throw new Error('The inbox answers something else than mails.')
    const mails = await Promise.all(
      found.messages.map(async ({ ID }) => getJson(`${inboxUrl}/api/v1/message/${ID}`)),
    )
    return mails.filter(mail => Check(Mail, mail)).toReversed()
  }

  /** The token of the newest of `count` verification mails. */
  async function tokenFor(email: string, count = 1): Promise<string> {
    return eventually(async () => {
      const texts = (await mailsTo(email)).map(mail => mail.Text)
      const tokens = texts.flatMap(text => /Token: (\S+)/.exec(text)?.[1] ?? [])
      if (tokens.length < count) throw new Error(`There are ${tokens.length} tokens.`)
      return tokens.at(-1) ?? ''
    })
  }

  async function logIn({ email, password: secret }: Pick<Person, 'email' | 'password'>) {
    const response = await post('/v1/auth/login', { email, password: secret })
    if (response.statusCode !== 200) throw new Error(response.body)
    const body: unknown = response.json()
    if (!Check(Login, body)) throw new Error(`no tokens: ${response.body}`)
    return { ...body, headers: { authorization: `Bearer ${body.accessToken}` } }
  }

  /** A person with a confirmed address. */
  async function someone(): Promise<Person> {
    const person = newPerson()
    await post('/v1/auth/register', person)
    const verified = await post('/v1/auth/email/verify', { token: await tokenFor(person.email) })
    if (verified.statusCode !== 200) throw new Error(verified.body)
    return person
  }

  /** Events of one key that were emitted, in order, published or not. */
  async function emitted(key: string): Promise<{ type: string; data: Record<string, unknown> }[]> {
    const { rows } = await around.postgres.read(tx =>
      tx.execute<{ type: string; payload: Record<string, unknown> }>(sql`
        select type, payload, event_id from outbox where aggregate_key = ${key}
        union all
        select type, payload, event_id from outbox_archive where aggregate_key = ${key}
        order by event_id`),
    )
    return rows.map(({ type, payload }) => ({ type: type.split('.')[1] ?? '', data: payload }))
  }

  return {
    ...around,
    env,
    app: service.app,
    config,
    post,
    mailsTo,
    tokenFor,
    logIn,
    someone,
    emitted,
  }
}

let count = 0

/** Somebody whom no other test knows. */
export function newPerson(): Person {
  count += 1
  const email = `p${process.pid}-${Date.now()}-${count}@example.org`
  return { email, password, name: 'Ada Lovelace' }
}

const MailList = Type.Object({ messages: Type.Array(Type.Object({ ID: Type.String() })) })
const Mail = Type.Object({ Subject: Type.String(), Text: Type.String(), HTML: Type.String() })
const Login = Type.Object({
  accessToken: Type.String(),
  refreshToken: Type.String(),
  user: Type.Object({ id: Type.String(), roles: Type.Array(Type.String()) }),
})

async function getJson(url: string): Promise<unknown> {
  const response = await fetch(url)
  return response.json()
}
