import { problems } from '@campus/platform/http/problem'
import type { App } from '@campus/platform/http/server'
import { Type } from 'typebox'
import { hashOf, type Vault } from '../vault.ts'
import { Identity, identityOf } from './account-view.ts'
import { type FirstAdminDeps, makeFirstAdmin } from './make-first-admin.command.ts'
import { normalPassword } from './password-rules.ts'
import {
  EmailField,
  LocaleField,
  NameField,
  NewPasswordField,
  readEmail,
  readName,
} from './person.ts'
import { type RegistrationDeps, register } from './register.command.ts'
import { requestMail } from './request-mail.command.ts'
import { type VerifyDeps, verifyEmail } from './verify-email.command.ts'

const tags = ['registration']
const Accepted = Type.Object({ status: Type.Literal('accepted') })
const accepted = { status: 'accepted' } as const

/** How people get an account. */
export function registrationRoutes(
  deps: RegistrationDeps & VerifyDeps & FirstAdminDeps & { readonly vault: Vault },
) {
  return async (app: App): Promise<void> => {
    app.post(
      '/v1/auth/register',
      {
        config: { access: 'public', rateLimit: { policy: 'register' } },
        schema: {
          tags,
          summary: 'Registers an account; the rest comes by mail',
          description:
            'The answer is the same for known and unknown addresses. A known one is told by mail.',
          body: Type.Object({
            email: EmailField,
            password: NewPasswordField,
            name: NameField,
            locale: Type.Optional(LocaleField),
          }),
          response: { 202: Accepted, ...problems(400, 422, 429, 503) },
        },
      },
      async (request, reply) => {
        const { body } = request
        const email = readEmail(body.email)
        await app.limits.take('mails', hashOf(email), reply)
        const { locale = 'en' } = body
        const password = normalPassword(body.password)
        await register(deps, { email, password, name: readName(body.name), locale })
        reply.code(202)
        return accepted
      },
    )

    app.post(
      '/v1/auth/email/verify',
      {
        config: { access: 'public', rateLimit: { policy: 'verify' } },
        schema: {
          tags,
          summary: 'Confirms the address by the token of the mail; twice is harmless',
          body: Type.Object({ token: Type.String({ minLength: 1, maxLength: 128 }) }),
          response: { 200: Type.Object({ user: Identity }), ...problems(400, 422, 429) },
        },
      },
      async request => ({ user: identityOf(await verifyEmail(deps, request.body.token)) }),
    )

    app.post(
      '/v1/auth/email/resend',
      {
        config: { access: 'public', rateLimit: { policy: 'register' } },
        schema: {
          tags,
          summary: 'Sends the mail with the token again',
          body: Type.Object({ email: EmailField }),
          response: { 202: Accepted, ...problems(400, 429) },
        },
      },
      async (request, reply) => {
        const email = readEmail(request.body.email)
        await app.limits.take('mails', hashOf(email), reply)
        await requestMail(deps, 'verify', email)
        reply.code(202)
        return accepted
      },
    )

    app.post(
      '/v1/auth/first-admin',
      {
        config: { access: 'public', rateLimit: { policy: 'verify' } },
        schema: {
          tags,
          summary: 'Makes the first admin of an installation, once',
          description: 'There is no such path any more once an admin exists.',
          body: Type.Object({
            secret: Type.String({ minLength: 1, maxLength: 1_024 }),
            email: EmailField,
            password: NewPasswordField,
            name: NameField,
          }),
          response: {
            201: Type.Object({ user: Identity }),
            ...problems(400, 403, 404, 409, 422, 429, 503),
          },
        },
      },
      async (request, reply) => {
        const { secret, email, password, name } = request.body
        const account = await makeFirstAdmin(deps, {
          secret,
          email: readEmail(email),
          password: normalPassword(password),
          name: readName(name),
        })
        reply.code(201)
        return { user: identityOf(account) }
      },
    )
  }
}
