import { asId, type UserId } from '@campus/contracts/ids'
import type { Postgres } from '@campus/platform/data/postgres'
import { userOf } from '@campus/platform/http/auth'
import { etagOf, requireIfMatch } from '@campus/platform/http/etag'
import { problems } from '@campus/platform/http/problem'
import type { App } from '@campus/platform/http/server'
import { Type } from 'typebox'
import { changePreferences } from './change-preferences.command.ts'
import { findPreference } from './preference.store.ts'
import { Choice } from './preference.ts'
import { PreferenceView, viewOf } from './preference-view.ts'

const tags = ['notifications']
const url = '/v1/me/notification-preferences'

/** What a person wants to be told, and where. */
export function preferenceRoutes(deps: { readonly postgres: Postgres }) {
  return async (app: App): Promise<void> => {
    app.get(
      url,
      {
        config: { access: 'user' },
        schema: {
          tags,
          summary: 'Which news I get, and where',
          response: { 200: PreferenceView, ...problems(401) },
        },
      },
      async (request, reply) => {
        const userId = asId<UserId>(userOf(request).userId)
        const preference = await deps.postgres.read(tx => findPreference(tx, userId))
        reply.header('etag', etagOf(preference.version))
        return viewOf(preference)
      },
    )

    app.put(
      url,
      {
        config: { access: 'user' },
        schema: {
          tags,
          summary: 'Chooses which news I get, and where',
          description: 'A category that is left out is on. Security cannot be switched off.',
          body: Type.Object({ preferences: Choice }),
          response: { 200: PreferenceView, ...problems(400, 401, 412, 422, 428) },
        },
      },
      async (request, reply) => {
        const preference = await changePreferences(deps, {
          userId: asId<UserId>(userOf(request).userId),
          choice: request.body.preferences,
          requireSeen: seen => requireIfMatch(request, seen.version, viewOf(seen)),
        })
        reply.header('etag', etagOf(preference.version))
        return viewOf(preference)
      },
    )
  }
}
