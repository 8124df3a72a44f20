import { randomBytes } from 'node:crypto'
import { type Client, mailTo } from './client.ts'

/** Somebody who has signed in. */
export interface Person {
  readonly email: string
  readonly password: string
  readonly userId: string
  readonly token: string
  readonly refreshToken: string
}

/** A password that nobody has used. */
function freshPassword(): string {
  return randomBytes(15).toString('base64url')
}

/** Registers, confirms by the mail that arrives, and signs in. */
export async function joinCampus(
  client: Client,
  inboxUrl: string,
  who: { readonly email: string; readonly name: string; readonly password?: string },
): Promise<Person> {
  const { email, name, password = freshPassword() } = who
  await client.must(202, 'POST', '/v1/auth/register', { body: { email, password, name } })
  const mail = await mailTo(inboxUrl, email, /confirm|verify/i)
  const token = /Token: (\S+)/.exec(mail.Text)?.[1]
  if (token === undefined) throw new Error(`The mail to ${email} carries no token.`)
  await client.must(200, 'POST', '/v1/auth/email/verify', { body: { token } })
  return signIn(client, email, password)
}

/** Signs in with a password. */
async function signIn(client: Client, email: string, password: string): Promise<Person> {
  const { body } = await client.must(200, 'POST', '/v1/auth/login', { body: { email, password } })
  const { accessToken, refreshToken, user } = body
  return { email, password, userId: user.id, token: accessToken, refreshToken }
}

/** Makes the first administrator of a new mesh by its one-time secret. */
export async function becomeFirstAdmin(
  client: Client,
  secret: string,
  who: { readonly email: string; readonly name: string },
): Promise<Person> {
  const password = freshPassword()
  const body = { secret, password, ...who }
  const answer = await client.ask('POST', '/v1/auth/first-admin', { body })
  if (answer.status >= 300) {
    throw new Error(`first-admin answered ${answer.status}: ${JSON.stringify(answer.body)}`)
  }
  return signIn(client, who.email, password)
}
