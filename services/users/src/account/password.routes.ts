import { asId, type UserId } from '@campus/contracts/ids'
import { userOf } from '@campus/platform/http/auth'
import { problems } from '@campus/platform/http/problem'
import type { App } from '@campus/platform/http/server'
import { Type } from 'typebox'
import { hashOf, type Vault } from '../vault.ts'
import { changePassword, type PasswordDeps } from './change-password.command.ts'
import { normalPassword } from './password-rules.ts'
import { EmailField, NewPasswordField, PasswordField, readEmail } from './person.ts'
import { requestMail } from './request-mail.command.ts'
import { resetPassword } from './reset-password.command.ts'

const tags = ['passwords']

/** How people get a new password. */
export function passwordRoutes(deps: PasswordDeps & { readonly vault: Vault }) {
  return async (app: App): Promise<void> => {
    app.post(
      '/v1/auth/password/forgot',
      {
        config: { access: 'public', rateLimit: { policy: 'register' } },
        schema: {
          tags,
          summary: 'Mails a token for a new password; the answer is the same for all addresses',
          body: Type.Object({ email: EmailField }),
          response: {
            202: Type.Object({ status: Type.Literal('accepted') }),
            ...problems(400, 429),
          },
        },
      },
      async (request, reply) => {
        const email = readEmail(request.body.email)
        await app.limits.take('mails', hashOf(email), reply)
        await requestMail(deps, 'reset', email)
        reply.code(202)
        return { status: 'accepted' } as const
      },
    )

    app.post(
      '/v1/auth/password/reset',
      {
        config: { access: 'public', rateLimit: { policy: 'verify' } },
        schema: {
          tags,
          summary: 'Sets a new password by the token of the mail and ends every session',
          body: Type.Object({
            token: Type.String({ minLength: 1, maxLength: 128 }),
            password: NewPasswordField,
          }),
          response: { 204: Type.Null(), ...problems(400, 422, 429, 503) },
        },
      },
      async (request, reply) => {
        const { token, password } = request.body
        await resetPassword(deps, { token, password: normalPassword(password) })
        return reply.code(204).send(null)
      },
    )

    app.put(
      '/v1/me/password',
      {
        config: { access: 'user', rateLimit: { policy: 'password' } },
        schema: {
          tags,
          summary: 'Changes the own password and ends every session, this one too',
          body: Type.Object({ currentPassword: PasswordField, password: NewPasswordField }),
          response: { 204: Type.Null(), ...problems(400, 401, 403, 404, 422, 429, 503) },
        },
      },
      async (request, reply) => {
        const { currentPassword, password } = request.body
        await changePassword(deps, {
          userId: asId<UserId>(userOf(request).userId),
          present: normalPassword(currentPassword),
          password: normalPassword(password),
        })
        return reply.code(204).send(null)
      },
    )
  }
}
