import { asId, OrderId, type UserId } from '@campus/contracts/ids'
import type { Postgres } from '@campus/platform/data/postgres'
import { chassis, fail } from '@campus/platform/errors'
import { userOf } from '@campus/platform/http/auth'
import { etagOf } from '@campus/platform/http/etag'
import { decodeCursor, Page, PageQuery, pageLimit, toPage } from '@campus/platform/http/pagination'
import { preferWait, requestSignal, waitUntil } from '@campus/platform/http/prefer-wait'
import { problems } from '@campus/platform/http/problem'
import type { App } from '@campus/platform/http/server'
import { Type } from 'typebox'
import { onOrderChanged } from './advance-order.command.ts'
import { historyOf } from './history.store.ts'
import { findOrder } from './order.store.ts'
import { maySee, type Order } from './order.ts'
import { OrderState, OrderSummary, OrderView, summaryOf } from './order-view.ts'
import { isOver } from './saga-state.ts'

interface Deps {
  readonly postgres: Postgres
  readonly cursorSecret: string
  /** An order with its lines and returns. */
  readonly show: (order: Order) => Promise<OrderView>
}

const tags = ['orders']
const Position = Type.Tuple([OrderId])

/** The orders of an account. */
export function historyRoutes({ postgres, cursorSecret, show }: Deps) {
  return async (app: App): Promise<void> => {
    app.get(
      '/v1/orders',
      {
        config: { access: 'user' },
        schema: {
          tags,
          summary: "The account's orders, the newest first",
          querystring: Type.Object({
            ...PageQuery.properties,
            status: Type.Optional(OrderState),
            from: Type.Optional(Type.String({ format: 'date-time', maxLength: 40 })),
          }),
          response: { 200: Page(OrderSummary), ...problems(400, 401) },
        },
      },
      async request => {
        const { query } = request
        const userId = asId<UserId>(userOf(request).userId)
        const limit = pageLimit(query)
        const scope = {
          secret: cursorSecret,
          sort: 'orders.newest',
          filter: { status: query.status, from: query.from },
          userId,
        }
        const [after] =
          query.cursor === undefined ? [] : decodeCursor(query.cursor, scope, Position)
        const filter = {
          userId,
          state: query.status,
          from: query.from === undefined ? undefined : new Date(query.from),
        }
        const found = await postgres.read(tx => historyOf(tx, filter, after, limit + 1))
        return toPage(found, { limit, scope, position: ({ id }) => [id], view: summaryOf })
      },
    )

    app.get(
      '/v1/orders/:orderId',
      {
        config: { access: 'user' },
        schema: {
          tags,
          summary: 'An order with its lines and where its checkout is',
          description:
            'For its owner and for staff. ' +
            'With `Prefer: wait=N` and `If-None-Match` the answer is held until the order differs ' +
            'from that version; without, until it is confirmed or has ended.',
          params: Type.Object({ orderId: OrderId }),
          response: { 200: OrderView, ...problems(400, 401, 404) },
        },
      },
      async (request, reply) => {
        const { orderId } = request.params
        const user = userOf(request)
        const seen = request.headers['if-none-match']
        const seconds = preferWait(request, reply)
        const load = async () => {
          const order = await postgres.read(tx => findOrder(tx, orderId))
          return order !== undefined && maySee(order, user) ? order : fail(chassis.notFound())
        }
        const isNews = ({ saga: { state }, version }: Order) =>
          seen === undefined ? state === 'confirmed' || isOver(state) : seen !== etagOf(version)
        const settled = await waitUntil(
          seconds,
          async () => {
            const order = await load()
            return isNews(order) ? order : undefined
          },
          {
            signal: requestSignal(request, reply),
            wake: found => onOrderChanged(orderId, order => isNews(order) && found(order)),
          },
        )
        const order = settled ?? (await load())
        reply.header('etag', etagOf(order.version))
        return show(order)
      },
    )
  }
}
