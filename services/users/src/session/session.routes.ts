import { SessionKind } from '@campus/contracts/events/users'
import { asId, type SessionId } from '@campus/contracts/ids'
import type { Clock } from '@campus/platform/clock'
import { chassis, fail } from '@campus/platform/errors'
import { problems } from '@campus/platform/http/problem'
import type { App, FastifyReply } from '@campus/platform/http/server'
import { tokenSeconds } from '@campus/platform/http/tokens'
import { type Static, Type } from 'typebox'
import { heldRoles } from '../account/account.ts'
import { Identity, identityOf } from '../account/account-view.ts'
import { normalEmail } from '../account/email.ts'
import { normalPassword } from '../account/password-rules.ts'
import { EmailField, PasswordField } from '../account/person.ts'
import type { Passwords } from '../passwords.ts'
import { hashOf } from '../vault.ts'
import { closeSession } from './close-session.command.ts'
import { type Opened, openSession, type SessionDeps } from './open-session.command.ts'
import { refreshSession } from './refresh-session.command.ts'

const tags = ['sessions']

const RefreshTokenField = Type.String({ minLength: 1, maxLength: 128 })

/** What a client keeps: the access token in memory, the refresh token safely. */
const Tokens = Type.Object({
  accessToken: Type.String({ description: 'JWT, to be sent as `Authorization: Bearer …`' }),
  tokenType: Type.Literal('Bearer'),
  expiresInSeconds: Type.Integer(),
  refreshToken: Type.String({ description: 'To be used once; each refresh answers the next' }),
  user: Identity,
})

interface Deps extends SessionDeps {
  readonly passwords: Passwords
  readonly clock: Clock
  readonly sign: (
    subject: {
      readonly userId: string
      readonly sid: string
      readonly roles: readonly string[]
    },
    now: Date,
  ) => Promise<string>
}

/** Log in, stay logged in, log out. */
export function sessionRoutes(deps: Deps) {
  async function answer({ account, sid, refreshToken }: Opened): Promise<Static<typeof Tokens>> {
    const subject = { userId: account.id, sid, roles: heldRoles(account) }
    return {
      accessToken: await deps.sign(subject, deps.clock.now()),
      tokenType: 'Bearer',
      expiresInSeconds: tokenSeconds,
      refreshToken,
      user: identityOf(account),
    }
  }

  return async (app: App): Promise<void> => {
    app.post(
      '/v1/auth/login',
      {
        config: { access: 'public', rateLimit: { policy: 'login_address' } },
        schema: {
          tags,
          summary: 'Opens a session',
          description: 'An account without a confirmed address gets a session without roles.',
          body: Type.Object({
            email: EmailField,
            password: PasswordField,
            kind: Type.Optional(SessionKind),
          }),
          response: { 200: Tokens, ...problems(400, 401, 403, 429, 503) },
        },
      },
      async (request, reply) => {
        const { password, kind = 'browser' } = request.body
        // What is no address belongs to nobody, which is all that the caller may learn.
        const email = normalEmail(request.body.email)
        await takeAccount(app, email ?? request.body.email, reply)
        return answer(await openSession(deps, { email, password: normalPassword(password), kind }))
      },
    )

    app.post(
      '/v1/auth/refresh',
      {
        config: { access: 'public', rateLimit: { policy: 'refresh' } },
        schema: {
          tags,
          summary: 'Exchanges a refresh token for a new pair of tokens',
          description:
            'The same token again within 10 s answers the same refresh token. Any later use of it ' +
            'ends the session, because somebody else holds it too.',
          body: Type.Object({ refreshToken: RefreshTokenField }),
          response: { 200: Tokens, ...problems(400, 401, 429) },
        },
      },
      async request => answer(await refreshSession(deps, request.body.refreshToken)),
    )

    app.post(
      '/v1/auth/logout',
      {
        config: { access: 'optional' },
        schema: {
          tags,
          summary: 'Ends the session of the access token, or of the refresh token, or both',
          // Without a body what is validated is null.
          body: Type.Union([
            Type.Object({ refreshToken: Type.Optional(RefreshTokenField) }),
            Type.Null(),
          ]),
          response: { 204: Type.Null(), ...problems(400, 401) },
        },
      },
      async (request, reply) => {
        const refreshToken = request.body?.refreshToken
        const sid = request.user === null ? undefined : asId<SessionId>(request.user.sid)
        if (sid === undefined && refreshToken === undefined) return fail(chassis.tokenInvalid())
        await closeSession(deps, { sid, refreshToken })
        return reply.code(204).send(null)
      },
    )
  }
}

async function takeAccount(app: App, email: string, reply: FastifyReply): Promise<void> {
  await app.limits.take('login_account', hashOf(email), reply)
}
