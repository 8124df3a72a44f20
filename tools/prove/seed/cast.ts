import { createHmac } from 'node:crypto'
import { type Answer, type Client, mailTo } from '../client.ts'
import { joinCampus, type Person } from '../people.ts'

/** Somebody who is there from the beginning. */
export interface Role {
  readonly role: string
  readonly email: string
  readonly name: string
}

/**
 * Who lives in the demo. Few, because five people an hour may register from one address, and whoever
 * tries Campus out wants to be one of them.
 */
export const cast = {
  admin: { role: 'admin', email: 'admin@campus.example', name: 'Ada Admin' },
  instructor: { role: 'instructor', email: 'instructor@campus.example', name: 'Iris Instructor' },
  student: { role: 'student', email: 'student@campus.example', name: 'Sam Student' },
  second: { role: 'student', email: 'nora@campus.example', name: 'Nora Novak' },
} as const satisfies Record<string, Role>

/**
 * The password of somebody in the mesh of one home: nobody else can guess it, and a seed that was
 * interrupted finds it again.
 */
export function passwordOf({ email }: Role, homeSecret: string): string {
  return createHmac('sha256', homeSecret)
    .update(`demo account ${email}`)
    .digest('base64url')
    .slice(0, 20)
}

/** Makes the administrator, or signs in as the one of an earlier seed. */
export async function enterAdmin(client: Client, homeSecret: string): Promise<Person> {
  const { admin } = cast
  const { email, name } = admin
  const password = passwordOf(admin, homeSecret)
  const body = { secret: homeSecret, email, name, password }
  const made = await client.ask('POST', '/v1/auth/first-admin', { body })
  // There is an administrator already: ours, or somebody's who came first.
  if (made.status !== 201 && made.status !== 404) throw refused('first-admin', made)
  return personOf(await signIn(client, email, password), email, password)
}

/** Registers somebody who confirms the address, or signs in as the one of an earlier seed. */
export async function enter(
  client: Client,
  inboxUrl: string,
  who: Role,
  homeSecret: string,
): Promise<Person> {
  const { email, name } = who
  const password = passwordOf(who, homeSecret)
  const signedIn = await client.ask('POST', '/v1/auth/login', { body: { email, password } })
  if (signedIn.status === 401) return joinCampus(client, inboxUrl, { email, name, password })
  if (signedIn.status !== 200) throw refused(email, signedIn)
  if (signedIn.body.user.roles.length > 0) return personOf(signedIn, email, password)
  // The seed was interrupted between the mail and its answer.
  const mail = await mailTo(inboxUrl, email, /confirm|verify/i)
  const token = /Token: (\S+)/.exec(mail.Text)?.[1]
  await client.must(200, 'POST', '/v1/auth/email/verify', { body: { token } })
  return personOf(await signIn(client, email, password), email, password)
}

/** Gives somebody a role besides the one of a student. @returns the person, signed in anew */
export async function promote(
  client: Client,
  adminToken: string,
  person: Person,
  role: string,
): Promise<Person> {
  const path = `/v1/users/${person.userId}`
  const { body, headers } = await client.must(200, 'GET', path, { token: adminToken })
  const before: string[] = body.roles
  if (before.includes(role)) return person
  await client.must(200, 'PUT', `${path}/roles`, {
    token: adminToken,
    ifMatch: headers.get('etag') ?? '',
    body: { roles: [...before, role] },
  })
  // Tokens that name the old roles are refused.
  const { email, password } = person
  return personOf(await signIn(client, email, password), email, password)
}

async function signIn(client: Client, email: string, password: string): Promise<Answer> {
  return client.must(200, 'POST', '/v1/auth/login', { body: { email, password } })
}

function personOf({ body }: Answer, email: string, password: string): Person {
  const { accessToken, refreshToken, user } = body
  return { email, password, userId: user.id, token: accessToken, refreshToken }
}

function refused(what: string, { status, body }: Answer): Error {
  return new Error(`${what} answered ${status}: ${JSON.stringify(body)}`)
}
