import { asId, NotificationId, type UserId } from '@campus/contracts/ids'
import type { Tx } from '@campus/platform/data/postgres'
import { userOf } from '@campus/platform/http/auth'
import { decodeCursor, Page, PageQuery, pageLimit, toPage } from '@campus/platform/http/pagination'
import { problems } from '@campus/platform/http/problem'
import type { App, FastifyRequest } from '@campus/platform/http/server'
import { Type } from 'typebox'
import { notificationsOf } from './notification.store.ts'
import { unreadCountMax } from './notification.ts'
import { NotificationView, viewOf } from './notification-view.ts'
import { type ReadingDeps, readAll, readOne } from './read-notifications.command.ts'

interface Deps extends ReadingDeps {
  readonly cursorSecret: string
  readonly localeOf: (tx: Tx, userId: UserId) => Promise<string | undefined>
  readonly unreadOf: (userId: UserId) => Promise<number>
}

const tags = ['notifications']
const Position = Type.Tuple([NotificationId])

/** What a person was told. */
export function notificationRoutes(deps: Deps) {
  const { postgres, cursorSecret, localeOf, unreadOf } = deps

  async function languageOf(userId: UserId): Promise<string> {
    return (await postgres.read(tx => localeOf(tx, userId))) ?? 'en'
  }

  return async (app: App): Promise<void> => {
    app.get(
      '/v1/me/notifications',
      {
        config: { access: 'user' },
        schema: {
          tags,
          summary: 'What I was told, the newest first',
          querystring: Type.Object({
            ...PageQuery.properties,
            unread: Type.Optional(Type.Union([Type.Literal('true'), Type.Literal('false')])),
          }),
          response: { 200: Page(NotificationView), ...problems(400, 401) },
        },
      },
      async request => {
        const { query } = request
        const userId = callerOf(request)
        const limit = pageLimit(query)
        const isUnread = query.unread === 'true'
        const scope = {
          secret: cursorSecret,
          sort: 'notifications.newest',
          filter: { isUnread },
          userId,
        }
        const [after] =
          query.cursor === undefined ? [] : decodeCursor(query.cursor, scope, Position)
        const [found, locale] = await Promise.all([
          postgres.read(tx => notificationsOf(tx, { userId, isUnread }, after, limit + 1)),
          languageOf(userId),
        ])
        return toPage(found, {
          limit,
          scope,
          position: ({ id }) => [id],
          view: row => viewOf(row, locale),
        })
      },
    )

    app.get(
      '/v1/me/notifications/unread-count',
      {
        config: { access: 'user' },
        schema: {
          tags,
          summary: 'How many I have not read',
          response: {
            200: Type.Object({
              count: Type.Integer({ description: `Counted up to ${unreadCountMax}` }),
            }),
            ...problems(401),
          },
        },
      },
      async request => {
        const userId = callerOf(request)
        return { count: await unreadOf(userId) }
      },
    )

    app.post(
      '/v1/me/notifications/:notificationId/read',
      {
        config: { access: 'user' },
        schema: {
          tags,
          summary: 'I have read it; again is harmless',
          params: Type.Object({ notificationId: NotificationId }),
          response: { 200: NotificationView, ...problems(400, 401, 404) },
        },
      },
      async request => {
        const userId = callerOf(request)
        const id = request.params.notificationId
        return viewOf(await readOne(deps, { id, userId }), await languageOf(userId))
      },
    )

    app.post(
      '/v1/me/notifications/read-all',
      {
        config: { access: 'user' },
        schema: {
          tags,
          summary: 'I have read all of them',
          response: { 204: Type.Null(), ...problems(401) },
        },
      },
      async (request, reply) => {
        const userId = callerOf(request)
        await readAll(deps, userId)
        return reply.code(204).send(null)
      },
    )
  }
}

function callerOf(request: FastifyRequest): UserId {
  return asId<UserId>(userOf(request).userId)
}
