import { randomUUID } from 'node:crypto'
import type { Client } from '../prove/client.ts'
import type { Person } from '../prove/people.ts'
import type { Example } from './world.ts'

/** Operations whose success ends the session that asks. */
type Ending =
  | 'POST /v1/auth/logout'
  | 'PUT /v1/me/password'
  | 'DELETE /v1/me/sessions'
  | 'DELETE /v1/me/sessions/{sid}'

/** By operation: somebody whom only this operation needs, so that the run goes on without them. */
export type Leavers = Readonly<Record<Ending, Leaver>>

/** Somebody whose sessions may end. */
export interface Leaver {
  readonly userId: string
  readonly email: string
  readonly password: string
  /** One of their sessions. */
  readonly sid: string
}

/** @param newPerson signs somebody up */
export async function makeLeavers(
  client: Client,
  newPerson: (name: string) => Promise<Person>,
): Promise<Leavers> {
  async function leaver(): Promise<Leaver> {
    const { token, ...person } = await newPerson('leaver')
    const { body } = await client.must(200, 'GET', '/v1/me/sessions', { token })
    return { ...person, sid: body.data[0].sid }
  }
  return {
    'POST /v1/auth/logout': await leaver(),
    'PUT /v1/me/password': await leaver(),
    'DELETE /v1/me/sessions': await leaver(),
    'DELETE /v1/me/sessions/{sid}': await leaver(),
  }
}

/** What leavers ask that succeeds. */
export function examplesOf(leavers: Leavers): Readonly<Record<string, Example>> {
  const { password: currentPassword } = leavers['PUT /v1/me/password']
  const { sid } = leavers['DELETE /v1/me/sessions/{sid}']
  return {
    'PUT /v1/me/password': { body: { currentPassword, password: randomUUID() } },
    'DELETE /v1/me/sessions/{sid}': { parameters: { sid } },
  }
}
