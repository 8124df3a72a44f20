import { SessionKind } from '@campus/contracts/events/users'
import { asId, SessionId, type UserId } from '@campus/contracts/ids'
import type { Clock } from '@campus/platform/clock'
import type { Postgres } from '@campus/platform/data/postgres'
import { userOf } from '@campus/platform/http/auth'
import { decodeCursor, Page, PageQuery, pageLimit, toPage } from '@campus/platform/http/pagination'
import { problems } from '@campus/platform/http/problem'
import type { App } from '@campus/platform/http/server'
import { Type } from 'typebox'
import { endAllSessions, endOneSession } from './end-sessions.command.ts'
import { liveSessionsOf } from './session.store.ts'

const tags = ['sessions']
const Position = Type.Tuple([SessionId])

const SessionView = Type.Object({
  sid: SessionId,
  kind: SessionKind,
  isCurrent: Type.Boolean({ description: 'The session that asks' }),
  openedAt: Type.String({ format: 'date-time' }),
  expiresAt: Type.String({ format: 'date-time' }),
})

/** Where somebody is logged in, and how to log out there. */
export function mySessionRoutes(deps: {
  readonly postgres: Postgres
  readonly clock: Clock
  readonly cursorSecret: string
}) {
  const { postgres, clock, cursorSecret } = deps
  return async (app: App): Promise<void> => {
    app.get(
      '/v1/me/sessions',
      {
        config: { access: 'user' },
        schema: {
          tags,
          summary: 'Where I am logged in, the newest first',
          querystring: PageQuery,
          response: { 200: Page(SessionView), ...problems(400, 401) },
        },
      },
      async request => {
        const user = userOf(request)
        const userId = asId<UserId>(user.userId)
        const { cursor } = request.query
        const limit = pageLimit(request.query)
        const scope = { secret: cursorSecret, sort: 'sessions.newest', userId }
        const [after] = cursor === undefined ? [] : decodeCursor(cursor, scope, Position)
        const found = await postgres.read(tx =>
          liveSessionsOf(tx, { userId, now: clock.now() }, after, limit + 1),
        )
        return toPage(found, {
          limit,
          scope,
          position: ({ sid }) => [sid],
          view: ({ sid, kind, openedAt, expiresAt }) => ({
            sid,
            kind,
            isCurrent: sid === user.sid,
            openedAt: openedAt.toISOString(),
            expiresAt: expiresAt.toISOString(),
          }),
        })
      },
    )

    app.delete(
      '/v1/me/sessions/:sid',
      {
        config: { access: 'user' },
        schema: {
          tags,
          summary: 'Logs out one of my sessions',
          params: Type.Object({ sid: SessionId }),
          response: { 204: Type.Null(), ...problems(400, 401, 404) },
        },
      },
      async (request, reply) => {
        const userId = asId<UserId>(userOf(request).userId)
        await endOneSession(deps, { sid: request.params.sid, userId })
        return reply.code(204).send(null)
      },
    )

    app.delete(
      '/v1/me/sessions',
      {
        config: { access: 'user' },
        schema: {
          tags,
          summary: 'Logs out everywhere',
          querystring: Type.Object({
            except: Type.Optional(
              Type.Literal('current', { description: 'Everywhere else, that is' }),
            ),
          }),
          response: { 204: Type.Null(), ...problems(400, 401) },
        },
      },
      async (request, reply) => {
        const user = userOf(request)
        await endAllSessions(deps, {
          userId: asId<UserId>(user.userId),
          except: request.query.except === undefined ? undefined : asId<SessionId>(user.sid),
        })
        return reply.code(204).send(null)
      },
    )
  }
}
