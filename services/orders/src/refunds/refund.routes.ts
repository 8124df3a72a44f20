import { LineNo } from '@campus/contracts/fields'
import { OrderId } from '@campus/contracts/ids'
import { Money } from '@campus/contracts/money'
import { idempotent } from '@campus/platform/http/idempotency'
import { preferWait, requestSignal, waitUntil } from '@campus/platform/http/prefer-wait'
import { problems } from '@campus/platform/http/problem'
import type { App } from '@campus/platform/http/server'
import { Type } from 'typebox'
import type { Refund } from '../checkout/progress.ts'
import { type RefundDeps, refundOrder } from './refund-order.command.ts'
import { RefundView, refundViewOf } from './refund-view.ts'

export interface RefundRoutesDeps extends RefundDeps {
  /** The refunds of an order as they are now. */
  readonly refundsOf: (orderId: OrderId) => Promise<readonly Refund[]>
  /** Calls a listener after each change of an order. @returns how to stop */
  readonly onOrderChanged: (orderId: OrderId, listener: () => void) => () => void
}

/** Money back for orders that stand. */
export function refundRoutes(deps: RefundRoutesDeps) {
  return async (app: App): Promise<void> => {
    app.post(
      '/v1/orders/:orderId/refunds',
      {
        config: { access: { roles: ['admin'] } },
        schema: {
          tags: ['refunds'],
          summary: 'Gives money of an order back',
          description:
            'Needs `Idempotency-Key`. All refunds of an order together never exceed what was ' +
            'captured. With `Prefer: wait=N` the answer is held until the provider has decided; ' +
            'follow `Location` for the outcome.',
          params: Type.Object({ orderId: OrderId }),
          body: Type.Object({
            lines: Type.Array(
              Type.Object({
                lineNo: LineNo,
                amount: Money,
                quantity: Type.Optional(
                  Type.Integer({
                    minimum: 0,
                    maximum: 1_000_000,
                    description:
                      'Units that the buyer will not get. Absent: all that are left when the ' +
                      'whole line is paid back, else 0',
                  }),
                ),
              }),
              { minItems: 1, maxItems: 200 },
            ),
            reason: Type.String({ minLength: 1, maxLength: 200 }),
          }),
          response: { 202: RefundView, ...problems(400, 401, 403, 404, 409, 422) },
        },
      },
      async (request, reply) => {
        const seconds = preferWait(request, reply)
        const { orderId } = request.params
        await idempotent(
          request,
          reply,
          deps.postgres,
          postgres => refundOrder({ ...deps, postgres }, { orderId, ...request.body }),
          ({ order, refund }) => ({
            status: 202,
            headers: { location: `/v1/orders/${orderId}` },
            body: refundViewOf(refund, order.totals.total.currency),
          }),
          async ({ status, body }) => {
            if (status !== 202) return
            const { id } = Object(body)
            await waitUntil(
              seconds,
              async () => {
                const refunds = await deps.refundsOf(orderId)
                const isPending = refunds.some(one => one.id === id && one.state === 'pending')
                return isPending ? undefined : true
              },
              {
                signal: requestSignal(request, reply),
                wake: listener => deps.onOrderChanged(orderId, listener),
              },
            )
          },
        )
        return reply
      },
    )
  }
}
