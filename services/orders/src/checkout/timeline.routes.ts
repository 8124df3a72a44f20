import { At } from '@campus/contracts/fields'
import { OrderId } from '@campus/contracts/ids'
import type { Postgres } from '@campus/platform/data/postgres'
import { chassis, fail } from '@campus/platform/errors'
import { userOf } from '@campus/platform/http/auth'
import { decodeCursor, Page, PageQuery, pageLimit, toPage } from '@campus/platform/http/pagination'
import { problems } from '@campus/platform/http/problem'
import type { App } from '@campus/platform/http/server'
import { Type } from 'typebox'
import { findOrder } from './order.store.ts'
import { maySee } from './order.ts'
import { entriesAfter } from './timeline.store.ts'
import { EntryCode, EntryData } from './timeline.ts'

const EntryView = Type.Object({ code: EntryCode, at: At, data: EntryData })
const Position = Type.Tuple([Type.Integer()])

/** The story of an order. */
export function timelineRoutes({
  postgres,
  cursorSecret,
}: {
  readonly postgres: Postgres
  readonly cursorSecret: string
}) {
  return async (app: App): Promise<void> => {
    app.get(
      '/v1/orders/:orderId/timeline',
      {
        config: { access: 'user' },
        schema: {
          tags: ['orders'],
          summary: 'What happened to an order, the oldest first',
          description:
            'For its owner and for staff. `code` says what happened and is to be translated by the ' +
            'client; more codes may come. `data` says of what.',
          params: Type.Object({ orderId: OrderId }),
          querystring: PageQuery,
          response: { 200: Page(EntryView), ...problems(400, 401, 404) },
        },
      },
      async request => {
        const { query } = request
        const { orderId } = request.params
        const user = userOf(request)
        const order = await postgres.read(tx => findOrder(tx, orderId))
        if (order === undefined || !maySee(order, user)) return fail(chassis.notFound())
        const limit = pageLimit(query)
        const { userId } = user
        const scope = {
          secret: cursorSecret,
          sort: 'timeline.oldest',
          filter: { orderId },
          userId,
        }
        const [after] =
          query.cursor === undefined ? [] : decodeCursor(query.cursor, scope, Position)
        const found = await postgres.read(tx => entriesAfter(tx, orderId, after, limit + 1))
        return toPage(found, {
          limit,
          scope,
          position: ({ id }) => [id],
          view: ({ code, at, data }) => ({ code, at: at.toISOString(), data }),
        })
      },
    )
  }
}
