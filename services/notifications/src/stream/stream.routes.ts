import type { Readable } from 'node:stream'
import { asId, type SessionId, type UserId } from '@campus/contracts/ids'
import type { Clock } from '@campus/platform/clock'
import type { Postgres, Tx } from '@campus/platform/data/postgres'
import { AppError } from '@campus/platform/errors'
import { userOf } from '@campus/platform/http/auth'
import { sendStream, streamLife } from '@campus/platform/http/event-stream'
import { problems } from '@campus/platform/http/problem'
import type { App } from '@campus/platform/http/server'
import { Type } from 'typebox'
import { refuse } from '../errors.ts'
import type { UnreadCount } from '../inbox/notification.ts'
import type { Audience } from './audience.ts'
import { framesOf } from './frames.ts'
import { listedAfter } from './stream.store.ts'

interface Deps {
  readonly postgres: Postgres
  readonly clock: Clock
  readonly audience: Audience
  readonly heartbeatMs: number
  readonly localeOf: (tx: Tx, userId: UserId) => Promise<string | undefined>
  readonly countUnread: (tx: Tx, userId: UserId) => Promise<UnreadCount>
}

/** What happens to a person's list, as it happens. */
export function streamRoutes(deps: Deps) {
  const { postgres, clock, audience, heartbeatMs, localeOf, countUnread } = deps
  return async (app: App): Promise<void> => {
    app.get(
      '/v1/me/notifications/stream',
      {
        config: { access: 'user', longLived: true },
        exposeHeadRoute: false,
        schema: {
          tags: ['notifications'],
          summary: 'What I am told, as it happens (server-sent events)',
          description:
            'Events: `ready` and `unread` {unread}, `notification` (as in the list), and `end` ' +
            '{reason} when the token, its session or the server ends. With `Last-Event-ID` it goes ' +
            'on after that event, without it begins with the present. A comment comes at least ' +
            `every ${heartbeatMs / 1_000} seconds.`,
          headers: Type.Object({
            'last-event-id': Type.Optional(
              Type.String({ description: 'The last id that the client has seen' }),
            ),
          }),
          response: {
            200: {
              content: { 'text/event-stream': { schema: Type.Unsafe<Readable>(Type.String()) } },
            },
            ...problems(401, 429),
          },
        },
      },
      async (request, reply) => {
        const user = userOf(request)
        const userId = asId<UserId>(user.userId)
        const seat = audience.join({ userId, sid: asId<SessionId>(user.sid) })
        if (seat === undefined) {
          throw new AppError([refuse.too_many_streams()], { headers: { 'retry-after': '30' } })
        }
        reply.raw.once('close', () => seat.leave())
        const life = streamLife(request, reply, { user, clock, ended: seat.ended })
        const locale = (await postgres.read(tx => localeOf(tx, userId))) ?? 'en'
        const frames = framesOf({
          ...life,
          seat,
          lastEventId: request.headers['last-event-id'],
          locale,
          heartbeatMs,
          unread: async () => postgres.read(tx => countUnread(tx, userId)),
          listedAfter: async (seq, max) => postgres.read(tx => listedAfter(tx, userId, seq, max)),
        })
        return sendStream(reply, frames)
      },
    )
  }
}
