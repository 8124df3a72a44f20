import { StockReason } from '@campus/contracts/events/catalog'
import { At } from '@campus/contracts/fields'
import { asId, MovementId, OrderId, VariantId } from '@campus/contracts/ids'
import type { Clock } from '@campus/platform/clock'
import type { Postgres } from '@campus/platform/data/postgres'
import { chassis, fail } from '@campus/platform/errors'
import { idempotent } from '@campus/platform/http/idempotency'
import { decodeCursor, Page, PageQuery, pageLimit, toPage } from '@campus/platform/http/pagination'
import { problems } from '@campus/platform/http/problem'
import type { App } from '@campus/platform/http/server'
import { Type } from 'typebox'
import { adjustStock } from './adjust-stock.command.ts'
import { findStock, movementsOf } from './stock.store.ts'

interface Deps {
  readonly postgres: Postgres
  readonly clock: Clock
  readonly cursorSecret: string
}

const tags = ['stock']
const params = Type.Object({ variantId: VariantId })
const MovementView = Type.Object({
  id: MovementId,
  variantId: VariantId,
  delta: Type.Integer(),
  onHandAfter: Type.Integer(),
  reason: StockReason,
})
const admin = { access: { roles: ['admin'] } } as const
const Position = Type.Tuple([MovementId])

/** How many units there are, and how they came and went. */
export function stockRoutes({ postgres, clock, cursorSecret }: Deps) {
  return async (app: App): Promise<void> => {
    app.get(
      '/v1/variants/:variantId/availability',
      {
        config: { access: 'public' },
        schema: {
          tags,
          summary: 'Units that can be ordered now; never cached',
          params,
          response: {
            200: Type.Object({
              variantId: VariantId,
              isTracked: Type.Boolean(),
              available: Type.Optional(Type.Integer()),
            }),
            ...problems(400, 404),
          },
        },
      },
      async request => {
        const { variantId } = request.params
        const row = await postgres.read(tx => findStock(tx, variantId))
        if (row === undefined) return fail(chassis.notFound())
        return { variantId, isTracked: true, available: row.onHand - row.reserved }
      },
    )

    app.post(
      '/v1/stock/:variantId/adjustments',
      {
        config: admin,
        schema: {
          tags,
          summary: 'Corrects the stock of a variant',
          description: 'Needs `Idempotency-Key`.',
          params,
          body: Type.Object({
            delta: Type.Union([
              Type.Integer({ minimum: 1, maximum: 1_000_000 }),
              Type.Integer({ minimum: -1_000_000, maximum: -1 }),
            ]),
            reason: Type.Union([
              Type.Literal('count'),
              Type.Literal('damage'),
              Type.Literal('delivery'),
            ]),
          }),
          response: { 201: MovementView, ...problems(400, 401, 403, 404, 409, 422) },
        },
      },
      async (request, reply) => {
        const { variantId } = request.params
        await idempotent(
          request,
          reply,
          postgres,
          once => adjustStock({ postgres: once, clock }, { variantId, ...request.body }),
          movement => ({ status: 201, body: movement }),
        )
        return reply
      },
    )

    app.get(
      '/v1/stock/:variantId/movements',
      {
        config: admin,
        schema: {
          tags,
          summary: 'How the stock of a variant came about, the newest first',
          params,
          querystring: PageQuery,
          response: {
            200: Page(
              Type.Object({
                ...MovementView.properties,
                orderId: Type.Optional(OrderId),
                actor: Type.String(),
                at: At,
              }),
            ),
            ...problems(400, 401, 403, 404),
          },
        },
      },
      async request => {
        const { variantId } = request.params
        const limit = pageLimit(request.query)
        const scope = { secret: cursorSecret, sort: 'movements.newest', filter: { variantId } }
        const { cursor } = request.query
        const [after] = cursor === undefined ? [] : decodeCursor(cursor, scope, Position)
        const rows = await postgres.read(tx => movementsOf(tx, variantId, after, limit + 1))
        return toPage(rows, {
          limit,
          scope,
          position: ({ id }) => [id],
          view: ({ orderId, at, ...row }) => ({
            ...row,
            at: at.toISOString(),
            ...(orderId !== null && { orderId: asId<OrderId>(orderId) }),
          }),
        })
      },
    )
  }
}
