import { ShippedLine } from '@campus/contracts/events/orders'
import { At } from '@campus/contracts/fields'
import { FulfillmentId, OrderId } from '@campus/contracts/ids'
import { idempotent } from '@campus/platform/http/idempotency'
import { problems } from '@campus/platform/http/problem'
import type { App } from '@campus/platform/http/server'
import { type Static, Type } from 'typebox'
import { deliverParcel } from './deliver-parcel.command.ts'
import type { Fulfillment } from './fulfillment.ts'
import { type FulfillmentDeps, shipLines } from './ship-lines.command.ts'

const tags = ['fulfillments']
const admin = { access: { roles: ['admin'] } } as const
const FulfillmentView = Type.Object({
  id: FulfillmentId,
  orderId: OrderId,
  lines: Type.Array(ShippedLine),
  trackingCode: Type.Optional(Type.String()),
  shippedAt: At,
  deliveredAt: Type.Optional(At),
})

/** Parcels, as the warehouse tells of them. */
export function fulfillmentRoutes(deps: FulfillmentDeps) {
  return async (app: App): Promise<void> => {
    app.post(
      '/v1/orders/:orderId/fulfillments',
      {
        config: admin,
        schema: {
          tags,
          summary: 'Units of an order have left the warehouse',
          description: 'Needs `Idempotency-Key`. Such an order cannot be cancelled any more.',
          params: Type.Object({ orderId: OrderId }),
          body: Type.Object({
            lines: Type.Array(ShippedLine, { minItems: 1, maxItems: 200 }),
            trackingCode: Type.Optional(Type.String({ pattern: '^[\\w-]{1,64}$' })),
          }),
          response: { 201: FulfillmentView, ...problems(400, 401, 403, 404, 409, 422) },
        },
      },
      async (request, reply) => {
        const { orderId } = request.params
        const { lines, trackingCode = null } = request.body
        await idempotent(
          request,
          reply,
          deps.postgres,
          postgres => shipLines({ ...deps, postgres }, { orderId, lines, trackingCode }),
          made => ({ status: 201, body: viewOf(made) }),
        )
        return reply
      },
    )

    app.post(
      '/v1/fulfillments/:fulfillmentId/deliver',
      {
        config: admin,
        schema: {
          tags,
          summary: 'A parcel has arrived; a second time has no effect',
          params: Type.Object({ fulfillmentId: FulfillmentId }),
          response: { 200: FulfillmentView, ...problems(400, 401, 403, 404) },
        },
      },
      async request => viewOf(await deliverParcel(deps, request.params.fulfillmentId)),
    )
  }
}

function viewOf(made: Fulfillment): Static<typeof FulfillmentView> {
  const { id, orderId, lines, trackingCode, shippedAt, deliveredAt } = made
  return {
    id,
    orderId,
    lines: [...lines],
    ...(trackingCode !== null && { trackingCode }),
    shippedAt: shippedAt.toISOString(),
    ...(deliveredAt !== null && { deliveredAt: deliveredAt.toISOString() }),
  }
}
