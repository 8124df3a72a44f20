import { RefundFailureCode } from '@campus/contracts/events/payments'
import { At } from '@campus/contracts/fields'
import { IntentId, RefundId } from '@campus/contracts/ids'
import { Money } from '@campus/contracts/money'
import type { Clock } from '@campus/platform/clock'
import type { Postgres } from '@campus/platform/data/postgres'
import { chassis, fail } from '@campus/platform/errors'
import { idempotent } from '@campus/platform/http/idempotency'
import { problems } from '@campus/platform/http/problem'
import type { App } from '@campus/platform/http/server'
import { type Static, Type } from 'typebox'
import type { Book } from './carry-out.command.ts'
import { findIntent, intentOfRefund } from './intent.store.ts'
import { type RefundOfIntent, refundFine } from './refund-fine.command.ts'

interface Deps {
  readonly postgres: Postgres
  readonly clock: Clock
  readonly book: Book
}

const tags = ['refunds']
const admin = { access: { roles: ['admin'] } } as const
const RefundView = Type.Object({
  id: RefundId,
  intentId: IntentId,
  amount: Money,
  state: Type.Union([Type.Literal('pending'), Type.Literal('succeeded'), Type.Literal('failed')]),
  code: Type.Optional(RefundFailureCode),
  attempts: Type.Integer({ description: 'Attempts that had no answer' }),
  createdAt: At,
})

/** Money of fines on its way back, and a look at any refund. */
export function refundRoutes(deps: Deps) {
  const { postgres } = deps
  return async (app: App): Promise<void> => {
    app.post(
      '/v1/refunds',
      {
        config: admin,
        schema: {
          tags,
          summary: 'Gives money of a fine back',
          description:
            'Needs `Idempotency-Key`. Money of an order is refunded through its order. Follow ' +
            '`Location` for the outcome.',
          body: Type.Object({
            intentId: IntentId,
            amount: Money,
            reason: Type.String({ minLength: 1, maxLength: 200 }),
          }),
          response: { 202: RefundView, ...problems(400, 401, 403, 404, 409, 422) },
        },
      },
      async (request, reply) => {
        const { intentId, amount } = request.body
        await idempotent(
          request,
          reply,
          postgres,
          once => refundFine({ ...deps, postgres: once }, { intentId, amount }),
          made => ({
            status: 202,
            headers: { location: `/v1/refunds/${made.refundId}` },
            body: viewOf(made),
          }),
        )
        return reply
      },
    )

    app.get(
      '/v1/refunds/:refundId',
      {
        config: admin,
        schema: {
          tags,
          summary: 'A refund and how far it is',
          params: Type.Object({ refundId: RefundId }),
          response: { 200: RefundView, ...problems(400, 401, 403, 404) },
        },
      },
      async request => {
        const { refundId } = request.params
        const intent = await postgres.read(async tx => {
          const intentId = await intentOfRefund(tx, refundId)
          return intentId && findIntent(tx, intentId)
        })
        return intent === undefined ? fail(chassis.notFound()) : viewOf({ intent, refundId })
      },
    )
  }
}

function viewOf({ intent, refundId }: RefundOfIntent): Static<typeof RefundView> {
  const refund = intent.refunds.find(({ id }) => id === refundId)
  if (refund === undefined) return fail(chassis.notFound())
  const { amountMinor, state, code, attempts, createdAt } = refund
  return {
    id: refundId,
    intentId: intent.id,
    amount: { amount: amountMinor, currency: intent.currency },
    state,
    ...(code !== null && { code }),
    attempts,
    createdAt: createdAt.toISOString(),
  }
}
