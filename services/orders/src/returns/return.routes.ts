import { ShippedLine } from '@campus/contracts/events/orders'
import { asId, OrderId, ReturnId, type UserId } from '@campus/contracts/ids'
import { chassis, fail } from '@campus/platform/errors'
import { userOf } from '@campus/platform/http/auth'
import { idempotent } from '@campus/platform/http/idempotency'
import { decodeCursor, Page, PageQuery, pageLimit, toPage } from '@campus/platform/http/pagination'
import { problems } from '@campus/platform/http/problem'
import type { App } from '@campus/platform/http/server'
import { Type } from 'typebox'
import { maySee, type Order } from '../checkout/order.ts'
import type { ReturnDeps } from './lock-return.command.ts'
import { requestReturn } from './request-return.command.ts'
import { findReturn, returnsOf } from './return.store.ts'
import { ReturnStateView, ReturnView, returnViewOf } from './return-view.ts'

const tags = ['returns']
const Position = Type.Tuple([ReturnId])
const ofOrder = Type.Object({ orderId: OrderId })

export interface ReturnRoutesDeps extends ReturnDeps {
  readonly cursorSecret: string
  readonly findOrder: (orderId: OrderId) => Promise<Order | undefined>
}

/** What buyers give back, as they see it. */
export function returnRoutes(deps: ReturnRoutesDeps) {
  const { postgres, cursorSecret, findOrder } = deps

  return async (app: App): Promise<void> => {
    app.post(
      '/v1/orders/:orderId/returns',
      {
        config: { access: 'user' },
        schema: {
          tags,
          summary: 'Asks for units of an order to be taken back',
          description:
            'Needs `Idempotency-Key`. Only what has arrived, and for some days only. Courses are ' +
            'given back as a whole and not together with goods.',
          params: ofOrder,
          body: Type.Object({
            lines: Type.Array(ShippedLine, { minItems: 1, maxItems: 200 }),
            reason: Type.String({ minLength: 1, maxLength: 200 }),
          }),
          response: { 201: ReturnView, ...problems(400, 401, 404, 409, 422) },
        },
      },
      async (request, reply) => {
        const { orderId } = request.params
        const userId = asId<UserId>(userOf(request).userId)
        await idempotent(
          request,
          reply,
          postgres,
          once => requestReturn({ ...deps, postgres: once }, { orderId, userId, ...request.body }),
          made => ({
            status: 201,
            headers: { location: `/v1/returns/${made.id}` },
            body: returnViewOf(made),
          }),
        )
        return reply
      },
    )

    app.get(
      '/v1/orders/:orderId/returns',
      {
        config: { access: 'user' },
        schema: {
          tags,
          summary: 'The returns of an order, the newest first',
          description: 'For its owner and for staff.',
          params: ofOrder,
          querystring: PageQuery,
          response: { 200: Page(ReturnView), ...problems(400, 401, 404) },
        },
      },
      async request => {
        const { orderId } = request.params
        const user = userOf(request)
        const order = await findOrder(orderId)
        if (order === undefined || !maySee(order, user)) return fail(chassis.notFound())
        const { cursor } = request.query
        const limit = pageLimit(request.query)
        const { userId } = user
        const scope = {
          secret: cursorSecret,
          sort: 'order-returns.newest',
          filter: { orderId },
          userId,
        }
        const [after] = cursor === undefined ? [] : decodeCursor(cursor, scope, Position)
        const found = await postgres.read(tx => returnsOf(tx, { orderId }, after, limit + 1))
        return toPage(found, { limit, scope, position: ({ id }) => [id], view: returnViewOf })
      },
    )

    app.get(
      '/v1/returns',
      {
        config: { access: { roles: ['admin'] } },
        schema: {
          tags,
          summary: 'The returns of all orders, the newest first',
          querystring: Type.Object({
            ...PageQuery.properties,
            status: Type.Optional(ReturnStateView),
          }),
          response: { 200: Page(ReturnView), ...problems(400, 401, 403) },
        },
      },
      async request => {
        const { cursor, status: state } = request.query
        const limit = pageLimit(request.query)
        const scope = { secret: cursorSecret, sort: 'returns.newest', filter: { state } }
        const [after] = cursor === undefined ? [] : decodeCursor(cursor, scope, Position)
        const found = await postgres.read(tx => returnsOf(tx, { state }, after, limit + 1))
        return toPage(found, { limit, scope, position: ({ id }) => [id], view: returnViewOf })
      },
    )

    app.get(
      '/v1/returns/:returnId',
      {
        config: { access: 'user' },
        schema: {
          tags,
          summary: 'A return and what has become of it',
          description: 'For the owner of its order and for staff.',
          params: Type.Object({ returnId: ReturnId }),
          response: { 200: ReturnView, ...problems(400, 401, 404) },
        },
      },
      async request => {
        const found = await postgres.read(tx => findReturn(tx, request.params.returnId))
        const isSeen = found !== undefined && maySee(found, userOf(request))
        return isSeen ? returnViewOf(found) : fail(chassis.notFound())
      },
    )
  }
}
