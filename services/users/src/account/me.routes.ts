import { asId, type UserId } from '@campus/contracts/ids'
import type { Clock } from '@campus/platform/clock'
import type { Postgres } from '@campus/platform/data/postgres'
import { chassis, fail } from '@campus/platform/errors'
import { userOf } from '@campus/platform/http/auth'
import { etagOf, requireIfMatch } from '@campus/platform/http/etag'
import { problems } from '@campus/platform/http/problem'
import type { App } from '@campus/platform/http/server'
import { Type } from 'typebox'
import { findAccount } from './account.store.ts'
import { AccountView, viewOf } from './account-view.ts'
import { changeProfile } from './change-profile.command.ts'
import { LocaleField, NameField, readName } from './person.ts'

const tags = ['me']

/** The account of whoever asks. */
export function meRoutes(deps: { readonly postgres: Postgres; readonly clock: Clock }) {
  return async (app: App): Promise<void> => {
    app.get(
      '/v1/me',
      {
        config: { access: 'user' },
        schema: {
          tags,
          summary: 'The own account',
          response: { 200: AccountView, ...problems(401, 404) },
        },
      },
      async (request, reply) => {
        const userId = asId<UserId>(userOf(request).userId)
        const account = await deps.postgres.read(tx => findAccount(tx, userId))
        if (account === undefined) return fail(chassis.notFound())
        reply.header('etag', etagOf(account.version))
        return viewOf(account)
      },
    )

    app.patch(
      '/v1/me',
      {
        config: { access: 'user' },
        schema: {
          tags,
          summary: 'Changes name or locale',
          body: Type.Object(
            { name: Type.Optional(NameField), locale: Type.Optional(LocaleField) },
            { minProperties: 1 },
          ),
          response: { 200: AccountView, ...problems(400, 401, 404, 412, 428) },
        },
      },
      async (request, reply) => {
        const { name, locale } = request.body
        const account = await changeProfile(deps, {
          userId: asId<UserId>(userOf(request).userId),
          ...(name !== undefined && { name: readName(name) }),
          ...(locale !== undefined && { locale }),
          requireSeen: seen => requireIfMatch(request, seen.version, viewOf(seen)),
        })
        reply.header('etag', etagOf(account.version))
        return viewOf(account)
      },
    )
  }
}
