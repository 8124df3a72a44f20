import type { Readable } from 'node:stream'
import { OrderId } from '@campus/contracts/ids'
import type { Clock } from '@campus/platform/clock'
import { AppError, chassis, fail } from '@campus/platform/errors'
import { userOf } from '@campus/platform/http/auth'
import { sendStream, streamLife } from '@campus/platform/http/event-stream'
import { problems } from '@campus/platform/http/problem'
import type { App } from '@campus/platform/http/server'
import { Type } from 'typebox'
import { maySee, type Order } from '../checkout/order.ts'
import type { OrderView } from '../checkout/order-view.ts'
import { refuse } from '../errors.ts'
import { framesOf, hasEnded, seenVersion } from './frames.ts'
import type { Seats } from './seats.ts'

interface Deps {
  readonly clock: Clock
  readonly seats: Seats
  readonly heartbeatMs: number
  readonly findOrder: (orderId: OrderId) => Promise<Order | undefined>
  readonly show: (order: Order) => Promise<OrderView>
  /** Calls a listener after each change of an order by this process. @returns how to stop */
  readonly onOrderChanged: (orderId: OrderId, listener: () => void) => () => void
}

/** An order as it changes. */
export function streamRoutes(deps: Deps) {
  const { clock, seats, heartbeatMs, findOrder, show, onOrderChanged } = deps
  return async (app: App): Promise<void> => {
    app.get(
      '/v1/orders/:orderId/stream',
      {
        config: { access: 'user', longLived: true },
        exposeHeadRoute: false,
        schema: {
          tags: ['orders'],
          summary: 'An order whenever it changes (server-sent events)',
          description:
            'For its owner and for staff. Events: `order` (as `GET /v1/orders/{orderId}`; its id is ' +
            'the version) at once and after changes, of which only the last is shown when they come ' +
            'fast, and `end` {reason} when the order, the token, its session or the server ends. ' +
            'With `Last-Event-ID` the present version is told only when it is newer; 204 when the ' +
            'order has ended and nothing is newer. A comment comes at least every ' +
            `${heartbeatMs / 1_000} seconds.`,
          params: Type.Object({ orderId: OrderId }),
          headers: Type.Object({
            'last-event-id': Type.Optional(
              Type.String({ description: 'The last id that the client has seen' }),
            ),
          }),
          response: {
            200: {
              content: { 'text/event-stream': { schema: Type.Unsafe<Readable>(Type.String()) } },
            },
            204: Type.Null(),
            ...problems(400, 401, 404, 429),
          },
        },
      },
      async (request, reply) => {
        const { orderId } = request.params
        const user = userOf(request)
        // Before anything is waited for: a reader that goes away meanwhile leaves its seat as well.
        const seat = seats.take(orderId, user)
        if (seat === undefined) {
          throw new AppError([refuse.too_many_streams()], { headers: { 'retry-after': '30' } })
        }
        const unsubscribe = onOrderChanged(orderId, () => seat.ring())
        reply.raw.once('close', () => {
          unsubscribe()
          seat.leave()
        })
        const load = async () => {
          const order = await findOrder(orderId)
          return order !== undefined && maySee(order, user) ? order : fail(chassis.notFound())
        }
        const order = await load()
        const seen = seenVersion(request.headers['last-event-id'], order.version)
        // Browsers connect again after each end, unless they are told that there is no more.
        if (seen === order.version && hasEnded(await show(order))) return reply.code(204).send(null)
        const life = streamLife(request, reply, { user, clock, ended: seat.ended })
        const look = async () => show(await load())
        return sendStream(reply, framesOf({ ...life, seat, seen, heartbeatMs, load: look }))
      },
    )
  }
}
