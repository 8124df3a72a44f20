import { asId, OrderId, type UserId } from '@campus/contracts/ids'
import { chassis, fail } from '@campus/platform/errors'
import { userOf } from '@campus/platform/http/auth'
import { idempotent } from '@campus/platform/http/idempotency'
import { decodeCursor, Page, PageQuery, pageLimit, toPage } from '@campus/platform/http/pagination'
import { problems } from '@campus/platform/http/problem'
import type { App } from '@campus/platform/http/server'
import { Type } from 'typebox'
import { amountOf } from '../checkout/progress.ts'
import { compensateSaga, type OperateDeps, retrySaga } from './operate-saga.command.ts'
import { findSaga, type SagaRow, type SagaSummaryRow, sagasOf } from './saga.store.ts'
import { SagaState, SagaSummary, SagaView } from './saga-view.ts'

const tags = ['sagas']
const admin = { access: { roles: ['admin'] } } as const
const params = Type.Object({ orderId: OrderId })
const Position = Type.Tuple([OrderId])

/** Where orders are, and what staff can do about one that is stuck. */
export function sagaRoutes(deps: OperateDeps & { readonly cursorSecret: string }) {
  const { postgres, cursorSecret } = deps

  async function load(orderId: OrderId) {
    const row = await postgres.read(tx => findSaga(tx, orderId))
    return row === undefined ? fail(chassis.notFound()) : viewOf(row)
  }

  return async (app: App): Promise<void> => {
    app.get(
      '/v1/sagas',
      {
        config: admin,
        schema: {
          tags,
          summary: 'Where the checkout of each order is, the newest order first',
          querystring: Type.Object({
            ...PageQuery.properties,
            state: Type.Optional(SagaState),
            stuck: Type.Optional(
              Type.Union([Type.Literal('true'), Type.Literal('false')], {
                description: 'Only those that somebody should look at, or only the others',
              }),
            ),
          }),
          response: { 200: Page(SagaSummary), ...problems(400, 401, 403) },
        },
      },
      async request => {
        const { cursor, state, stuck } = request.query
        const limit = pageLimit(request.query)
        const scope = { secret: cursorSecret, sort: 'sagas.newest', filter: { state, stuck } }
        const [after] = cursor === undefined ? [] : decodeCursor(cursor, scope, Position)
        const isStuck = stuck === undefined ? undefined : stuck === 'true'
        const rows = await postgres.read(tx => sagasOf(tx, { state, isStuck }, after, limit + 1))
        return toPage(rows, { limit, scope, position: row => [row.orderId], view: summaryOf })
      },
    )

    app.get(
      '/v1/sagas/:orderId',
      {
        config: admin,
        schema: {
          tags,
          summary: 'Where the checkout of an order is, and what has happened to it',
          params,
          response: { 200: SagaView, ...problems(400, 401, 403, 404) },
        },
      },
      request => load(request.params.orderId),
    )

    app.post(
      '/v1/sagas/:orderId/retry',
      {
        config: admin,
        schema: {
          tags,
          summary: 'Asks for whatever the order waits for once more',
          description: 'Needs `Idempotency-Key`. Refunds that have failed are asked for as well.',
          params,
          response: { 202: SagaSummary, ...problems(400, 401, 403, 404, 409, 422) },
        },
      },
      async (request, reply) => {
        const { orderId } = request.params
        await idempotent(
          request,
          reply,
          postgres,
          async once => {
            await retrySaga({ ...deps, postgres: once }, orderId)
            return once.read(tx => findSaga(tx, orderId))
          },
          row => ({ status: 202, body: row && summaryOf(row) }),
        )
        return reply
      },
    )

    app.post(
      '/v1/sagas/:orderId/compensate',
      {
        config: admin,
        schema: {
          tags,
          summary: 'Stops an order as staff: stock and money are given back',
          description: 'Needs `Idempotency-Key`. The reason is told by `order_cancelled`.',
          params,
          body: Type.Object({ reason: Type.String({ minLength: 1, maxLength: 200 }) }),
          response: { 202: SagaSummary, ...problems(400, 401, 403, 404, 409, 422) },
        },
      },
      async (request, reply) => {
        const { orderId } = request.params
        const { reason } = request.body
        const userId = asId<UserId>(userOf(request).userId)
        await idempotent(
          request,
          reply,
          postgres,
          async once => {
            await compensateSaga({ ...deps, postgres: once }, orderId, { userId, reason })
            return once.read(tx => findSaga(tx, orderId))
          },
          row => ({ status: 202, body: row && summaryOf(row) }),
        )
        return reply
      },
    )
  }
}

function summaryOf(row: SagaSummaryRow) {
  const { orderId, state, reason, note, timerAt, askedAt, stuckAt, version } = row
  return {
    orderId,
    state,
    ...(reason !== null && { reason }),
    ...(note !== null && { note }),
    ...(timerAt !== null && { timerAt: timerAt.toISOString() }),
    sinceAt: askedAt.toISOString(),
    ...(stuckAt !== null && { stuckAt: stuckAt.toISOString() }),
    version,
  }
}

function viewOf(row: SagaRow) {
  const money = (amount: number) => ({ amount, currency: row.currency })
  return {
    ...summaryOf(row),
    stockDone: row.stockDone,
    moneyDone: row.moneyDone,
    captured: money(row.captured),
    refunded: money(row.refunded),
    lines: row.lines.map(({ lineNo, kind, quantity, totalMinor, shipped, delivered }) => {
      return { lineNo, kind, quantity, total: money(totalMinor), shipped, delivered }
    }),
    refunds: row.refunds.map(refund => {
      const { id, state, cause, askedAt } = refund
      return { id, state, cause, amount: money(amountOf(refund)), askedAt }
    }),
    happenings: row.happenings,
  }
}
