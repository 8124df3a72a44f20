import {
  AddressId,
  asId,
  CartId,
  OrderId,
  PaymentMethodId,
  type UserId,
} from '@campus/contracts/ids'
import { Money } from '@campus/contracts/money'
import type { Clock } from '@campus/platform/clock'
import type { Postgres } from '@campus/platform/data/postgres'
import { userOf } from '@campus/platform/http/auth'
import { etagOf, requireIfMatch } from '@campus/platform/http/etag'
import { idempotent } from '@campus/platform/http/idempotency'
import { preferWait, requestSignal, waitUntil } from '@campus/platform/http/prefer-wait'
import { problems } from '@campus/platform/http/problem'
import type { App } from '@campus/platform/http/server'
import { Type } from 'typebox'
import { onOrderChanged, type SagaDeps } from './advance-order.command.ts'
import { cancelOrder } from './cancel-order.command.ts'
import { findOrder } from './order.store.ts'
import type { Order } from './order.ts'
import { OrderSummary, summaryOf } from './order-view.ts'
import { type Carts, type IsOwnAddress, placeOrder, type Redeem } from './place-order.command.ts'
import { isOver } from './saga-state.ts'

export interface CheckoutDeps {
  readonly postgres: Postgres
  readonly clock: Clock
  readonly saga: SagaDeps
  readonly holdSeconds: number
  readonly carts: Carts
  readonly isOwnAddress: IsOwnAddress
  readonly redeem: Redeem
}

const Placed = Type.Object({ ...OrderSummary.properties, cartId: CartId })
const tags = ['orders']

/** An address that users has just saved may still be on its way here. */
const addressSeconds = 2

/** From cart to order, and back. */
export function checkoutRoutes(deps: CheckoutDeps) {
  const { postgres } = deps

  /** Resolves once `isDone`, or when the client has waited as long as it wants. */
  async function untilDone(
    seconds: number,
    orderId: OrderId,
    isDone: (order: Order) => boolean,
    signal: AbortSignal,
  ): Promise<void> {
    await waitUntil(
      seconds,
      async () => {
        const order = await postgres.read(tx => findOrder(tx, orderId))
        return order === undefined || isDone(order) ? true : undefined
      },
      { signal, wake: found => onOrderChanged(orderId, order => isDone(order) && found(true)) },
    )
  }

  async function untilKnown(userId: UserId, addressId: AddressId, signal: AbortSignal) {
    await waitUntil(
      addressSeconds,
      async () =>
        (await postgres.read(tx => deps.isOwnAddress(tx, userId, addressId))) ? true : undefined,
      { signal },
    )
  }

  return async (app: App): Promise<void> => {
    app.post(
      '/v1/carts/:cartId/checkout',
      {
        config: { access: 'user', rateLimit: { policy: 'checkout' } },
        schema: {
          tags,
          summary: 'Turns the cart into an order at the total that the buyer agreed to',
          description:
            'Needs `Idempotency-Key` and `If-Match`. With `Prefer: wait=N` the answer is held until ' +
            'the order can be paid or has ended. Follow `Location` for its payment intent. `addressId` ' +
            'is one of `/v1/me/addresses`.',
          params: Type.Object({ cartId: CartId }),
          body: Type.Object({
            expectedTotal: Money,
            addressId: Type.Optional(AddressId),
            paymentMethodId: Type.Optional(PaymentMethodId),
          }),
          response: { 202: Placed, ...problems(400, 401, 404, 409, 412, 422, 428, 429) },
        },
      },
      async (request, reply) => {
        const seconds = preferWait(request, reply)
        const { body } = request
        const userId = asId<UserId>(userOf(request).userId)
        const signal = requestSignal(request, reply)
        if (body.addressId !== undefined) await untilKnown(userId, body.addressId, signal)
        await idempotent(
          request,
          reply,
          postgres,
          once =>
            placeOrder(
              { ...deps, postgres: once, timing: deps.saga.timing },
              {
                cartId: request.params.cartId,
                userId,
                expectedTotal: body.expectedTotal,
                addressId: body.addressId ?? null,
                paymentMethodId: body.paymentMethodId ?? null,
                requireSeen: version => {
                  requireIfMatch(request, version, { version })
                },
              },
            ),
          order => ({
            status: 202,
            headers: { location: `/v1/orders/${order.id}` },
            body: { ...summaryOf(order), cartId: order.cartId },
          }),
          async answer => {
            const orderId = orderIdIn(answer)
            if (orderId !== undefined) await untilDone(seconds, orderId, isPayableOrOver, signal)
          },
        )
        return reply
      },
    )

    app.post(
      '/v1/orders/:orderId/cancel',
      {
        config: { access: 'user' },
        schema: {
          tags,
          summary: 'Cancels an order: stock and money are given back',
          description:
            'Needs `Idempotency-Key`. 202 while stock or money is on its way back; with ' +
            '`Prefer: wait=N` the answer is held until the order has ended.',
          params: Type.Object({ orderId: OrderId }),
          response: { 200: OrderSummary, 202: OrderSummary, ...problems(400, 401, 404, 409, 422) },
        },
      },
      async (request, reply) => {
        const seconds = preferWait(request, reply)
        const { orderId } = request.params
        const userId = asId<UserId>(userOf(request).userId)
        await idempotent(
          request,
          reply,
          postgres,
          once => cancelOrder({ ...deps, postgres: once }, { orderId, userId }),
          order => ({
            status: isOver(order.saga.state) ? 200 : 202,
            headers: { location: `/v1/orders/${orderId}`, etag: etagOf(order.version) },
            body: summaryOf(order),
          }),
          async ({ status }) => {
            if (status !== 202) return
            const signal = requestSignal(request, reply)
            await untilDone(seconds, orderId, ({ saga }) => isOver(saga.state), signal)
          },
        )
        return reply
      },
    )
  }
}

function isPayableOrOver({ saga }: Order): boolean {
  return saga.state !== 'placed' && (saga.state !== 'awaiting_payment' || saga.intentId !== null)
}

function orderIdIn({ status, body }: { status: number; body: unknown }): OrderId | undefined {
  if (status !== 202 || typeof body !== 'object' || body === null || !('id' in body)) return
  return asId(String(body.id))
}
