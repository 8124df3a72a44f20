import { createHash } from 'node:crypto'
import { asId, type UserId } from '@campus/contracts/ids'
import { etagOf, requireIfMatch } from '@campus/platform/http/etag'
import type { FastifyReply, FastifyRequest } from '@campus/platform/http/server'
import { Type } from 'typebox'
import type { CartKey } from './cart.store.ts'
import type { Cart } from './cart.ts'
import { type CartView, viewOf } from './cart-view.ts'
import type { CartDeps } from './change-cart.command.ts'
import { priceCart } from './price-cart.command.ts'
import { quoteOf } from './quote.ts'

// What all routes of carts share: who may reach one, and how one is shown.

export const TokenHeader = Type.Object({
  'x-cart-token': Type.Optional(
    Type.String({ pattern: '^[A-Za-z0-9_-]{43}$', description: 'Token of a guest cart' }),
  ),
})

/** Makes the function that answers with a cart at the prices of the moment, and its ETag. */
export function createShow(deps: CartDeps) {
  const { postgres, clock } = deps
  return async (reply: FastifyReply, cart: Cart): Promise<CartView> => {
    reply.header('etag', etagOf(cart.version))
    const { lines, coupon } = await postgres.read(tx => priceCart(tx, deps, cart, clock.now()))
    return viewOf(cart, quoteOf(lines, coupon))
  }
}

/** What a request shows of its right to a cart. */
export function keyOf(request: FastifyRequest): CartKey {
  const token = request.headers['x-cart-token']
  return {
    userId: request.user === null ? null : asId<UserId>(request.user.userId),
    tokenHash: typeof token === 'string' ? hashOf(token) : null,
  }
}

/** What is stored of the token of a guest. */
export function hashOf(token: string): string {
  return createHash('sha256').update(token).digest('hex')
}

/** Optional on changes of a cart: whoever sends `If-Match` does not want to undo somebody else's. */
export function seenBy(request: FastifyRequest): (version: number) => void {
  return version => {
    if (request.headers['if-match'] !== undefined) requireIfMatch(request, version, { version })
  }
}
