import { randomUUID } from 'node:crypto'
import type { Client } from '../prove/client.ts'
import { joinCampus, type Person } from '../prove/people.ts'
import { type Leavers, makeLeavers } from './leavers.ts'
import type { Pass } from './schemathesis.ts'

/** Who takes part in a run. */
export interface Cast {
  readonly admin: { readonly userId: string; readonly token: string }
  /** Owner of whatever is owned. */
  readonly student: Person
  /** Somebody whom nothing depends on. */
  readonly other: Person
  /** Somebody who asks for a new password. */
  readonly forgetful: Person
  readonly leavers: Leavers
}

/** Lets new people join, and the admin sign in once more. */
export async function gatherCast(
  client: Client,
  inboxUrl: string,
  { email, password }: { readonly email: string; readonly password: string },
): Promise<Cast> {
  const newPerson = (name: string) =>
    joinCampus(client, inboxUrl, { email: `${name}-${randomUUID()}@campus.example`, name })
  const [{ body }, student, other, forgetful, leavers] = await Promise.all([
    client.must(200, 'POST', '/v1/auth/login', { body: { email, password } }),
    newPerson('student'),
    newPerson('other'),
    newPerson('forgetful'),
    makeLeavers(client, newPerson),
  ])
  const admin = { userId: body.user.id, token: body.accessToken }
  return { admin, student, other, forgetful, leavers }
}

/** As whom requests of a role are made. */
export async function callerOf(
  role: 'anonymous' | 'student' | 'admin',
  client: Client,
  { admin, student, other, leavers }: Cast,
): Promise<Pick<Pass, 'token' | 'hooks'>> {
  switch (role) {
    case 'anonymous':
      return {}
    case 'student':
      return { token: student.token, hooks: { leavers } }
    case 'admin': {
      const promoted = Object.values(leavers).map(({ userId }) =>
        client.must(200, 'PUT', `/v1/users/${userId}/roles`, {
          token: admin.token,
          ifMatch: '*',
          body: { roles: ['admin'] },
        }),
      )
      await Promise.all(promoted)
      // There are more admins now, so it could lock itself out.
      const spared = { ownId: admin.userId, otherId: other.userId }
      return { token: admin.token, hooks: { leavers, ...spared } }
    }
  }
}
