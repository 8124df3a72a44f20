import { type Client, freshKey, type Json } from './client.ts'
import type { Person } from './people.ts'
import { persist } from './persist.ts'
import type { Article } from './shop.ts'

/** How a purchase ended. */
export interface Purchase {
  /** Undefined when checkout was refused. */
  readonly orderId: string | undefined
  /** `confirmed`, `cancelled`, or the code of the refusal. */
  readonly outcome: string
  readonly tookMs: number
}

/**
 * Buys one article from cart to end, repeating whatever is not answered, always with the same keys:
 * an order that was acknowledged is followed until it has ended.
 */
export async function purchase(
  client: Client,
  { token }: Person,
  article: Article,
  options: { readonly card?: string; readonly timeoutMs?: number } = {},
): Promise<Purchase> {
  const { card = 'tok_ok', timeoutMs = 90_000 } = options
  const startedAt = performance.now()
  const limit = { timeoutMs }
  const cart = (await persist(() => client.ask('GET', '/v1/me/cart', { token }), limit)).body
  const filled = await persist(
    () =>
      client.ask('PUT', `/v1/carts/${cart.id}/items/${article.variantId}`, {
        token,
        body: { quantity: 1 },
      }),
    limit,
  )
  const key = freshKey()
  const placed = await persist(
    () =>
      client.ask('POST', `/v1/carts/${cart.id}/checkout`, {
        token,
        key,
        wait: 5,
        ifMatch: filled.headers.get('etag') ?? '',
        body: { expectedTotal: filled.body.total },
      }),
    limit,
  )
  if (placed.status !== 202) {
    return { orderId: undefined, outcome: placed.body.code, tookMs: performance.now() - startedAt }
  }
  const orderId: string = placed.body.id
  const payable = await follow(client, token, orderId, timeoutMs, ({ state, payment }) => {
    return state !== 'placed' && (state !== 'awaiting_payment' || payment.intentId !== undefined)
  })
  if (payable.state === 'awaiting_payment') {
    const paymentKey = freshKey()
    const path = `/v1/payment-intents/${payable.payment.intentId}/confirm`
    await persist(
      () => client.ask('POST', path, { token, key: paymentKey, wait: 5, body: { token: card } }),
      limit,
    )
  }
  const done = await untilEnded(client, token, orderId, timeoutMs)
  return { orderId, outcome: done.state, tookMs: performance.now() - startedAt }
}

/** Reads an order until it is confirmed or cancelled. @throws after `timeoutMs`, with the order */
async function untilEnded(
  client: Client,
  token: string,
  orderId: string,
  timeoutMs: number,
): Promise<Json> {
  const until = performance.now() + timeoutMs
  for (;;) {
    const path = `/v1/orders/${orderId}`
    const { body } = await persist(() => client.ask('GET', path, { token, wait: 5 }), { timeoutMs })
    if (body.state === 'confirmed' || body.state === 'cancelled') return body
    if (performance.now() > until) throw stuck(body)
  }
}

/** Reads an order until `isDone`. @throws after `timeoutMs`, with the order */
async function follow(
  client: Client,
  token: string,
  orderId: string,
  timeoutMs: number,
  isDone: (order: Json) => boolean,
): Promise<Json> {
  const until = performance.now() + timeoutMs
  const path = `/v1/orders/${orderId}`
  let seen = ''
  for (;;) {
    // Answered at once when there is news, and after two seconds without.
    const news = { token, ...(seen !== '' && { wait: 2, headers: { 'if-none-match': seen } }) }
    const { body, headers } = await persist(() => client.ask('GET', path, news), { timeoutMs })
    if (isDone(body)) return body
    if (performance.now() > until) throw stuck(body)
    seen = headers.get('etag') ?? ''
  }
}

function stuck(order: Json): Error {
  return new Error(`Order ${order.id} has not moved on: ${JSON.stringify(order)}`)
}
