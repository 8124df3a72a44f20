import { randomBytes } from 'node:crypto'
import { CartStrategy } from '@campus/contracts/events/orders'
import { asId, CartId, type UserId, VariantId } from '@campus/contracts/ids'
import { chassis, fail } from '@campus/platform/errors'
import { userOf } from '@campus/platform/http/auth'
import { problems } from '@campus/platform/http/problem'
import type { App, FastifyRequest } from '@campus/platform/http/server'
import { newId } from '@campus/platform/new-id'
import { Type } from 'typebox'
import { findCart, insertCart, openCartOf } from './cart.store.ts'
import type { Cart } from './cart.ts'
import { quantityMax } from './cart.ts'
import { CartView, NewCartView } from './cart-view.ts'
import { type CartDeps, changeCart } from './change-cart.command.ts'
import { claimCart } from './claim-cart.command.ts'
import { createShow, hashOf, keyOf, seenBy, TokenHeader } from './show-cart.routes.ts'

const CartParams = Type.Object({ cartId: CartId })
const ItemParams = Type.Object({ cartId: CartId, variantId: VariantId })
const tags = ['carts']

/** Carts of guests and accounts. */
export function cartRoutes(deps: CartDeps) {
  const { postgres, clock } = deps
  const show = createShow(deps)

  return async (app: App): Promise<void> => {
    app.post(
      '/v1/carts',
      {
        config: { access: 'optional' },
        schema: {
          tags,
          summary: 'Opens a cart: of the account, or of a guest who gets a token',
          response: { 201: NewCartView, ...problems(401) },
        },
      },
      async (request, reply) => {
        const id = newId<CartId>()
        const userId = request.user === null ? null : asId<UserId>(request.user.userId)
        const token = userId === null ? randomBytes(32).toString('base64url') : undefined
        const tokenHash = token === undefined ? null : hashOf(token)
        const row = { id, userId, tokenHash, now: clock.now() }
        const cart = await postgres.read(async tx => {
          // An account keeps the cart it has open.
          if (userId !== null) return openCartOf(tx, userId, row)
          await insertCart(tx, row)
          return findCart(tx, id, row)
        })
        if (cart === undefined) return fail(chassis.notFound())
        reply.code(201).header('location', `/v1/carts/${cart.id}`)
        return { ...(await show(reply, cart)), ...(token !== undefined && { token }) }
      },
    )

    app.get(
      '/v1/carts/:cartId',
      {
        config: { access: 'optional' },
        schema: {
          tags,
          summary: 'A cart at the prices of the moment',
          params: CartParams,
          headers: TokenHeader,
          response: { 200: CartView, ...problems(400, 401, 404) },
        },
      },
      async (request, reply) => {
        const { cartId } = request.params
        const cart = await postgres.read(tx => findCart(tx, cartId, keyOf(request)))
        return cart === undefined ? fail(chassis.notFound()) : show(reply, cart)
      },
    )

    app.get(
      '/v1/me/cart',
      {
        config: { access: 'user' },
        schema: {
          tags,
          summary: 'The open cart of the account; a new one when there is none',
          response: { 200: CartView, ...problems(401) },
        },
      },
      async (request, reply) => {
        const userId = asId<UserId>(userOf(request).userId)
        const fresh = { id: newId<CartId>(), now: clock.now() }
        const cart = await postgres.read(tx => openCartOf(tx, userId, fresh))
        return cart === undefined ? fail(chassis.notFound()) : show(reply, cart)
      },
    )

    app.put(
      '/v1/carts/:cartId/items/:variantId',
      {
        config: { access: 'optional' },
        schema: {
          tags,
          summary: 'Puts a variant into the cart so many times',
          params: ItemParams,
          headers: TokenHeader,
          body: Type.Object({ quantity: Type.Integer({ minimum: 1, maximum: quantityMax }) }),
          response: { 200: CartView, ...problems(400, 401, 404, 409, 412, 422) },
        },
      },
      async (request, reply) => {
        const { quantity } = request.body
        return show(reply, await change(request, request.params, quantity))
      },
    )

    app.delete(
      '/v1/carts/:cartId/items/:variantId',
      {
        config: { access: 'optional' },
        schema: {
          tags,
          summary: 'Takes a variant out of the cart',
          params: ItemParams,
          headers: TokenHeader,
          response: { 200: CartView, ...problems(400, 401, 404, 409, 412) },
        },
      },
      async (request, reply) => show(reply, await change(request, request.params, 0)),
    )

    app.post(
      '/v1/carts/:cartId/claim',
      {
        config: { access: 'user' },
        schema: {
          tags,
          summary: "Makes a guest's cart the account's, merging it with an open one",
          params: CartParams,
          headers: TokenHeader,
          body: Type.Object({ strategy: CartStrategy }),
          response: { 200: CartView, ...problems(400, 401, 404, 409) },
        },
      },
      async (request, reply) => {
        const { userId, tokenHash } = keyOf(request)
        if (userId === null) return fail(chassis.notFound())
        const { cartId } = request.params
        const { strategy } = request.body
        return show(reply, await claimCart(deps, { cartId, userId, tokenHash, strategy }))
      },
    )
  }

  async function change(
    request: FastifyRequest,
    item: { readonly cartId: CartId; readonly variantId: VariantId },
    quantity: number,
  ): Promise<Cart> {
    return changeCart(deps, {
      ...item,
      quantity,
      key: keyOf(request),
      requireSeen: seenBy(request),
    })
  }
}
