import { setTimeout as delay } from 'node:timers/promises'
import { type Answer, type Client, freshKey, type Json } from './client.ts'

/** Something that can be bought. */
export interface Article {
  readonly productId: string
  readonly variantId: string
}

/** Puts an article on sale: product, variant, price, stock, published. */
export async function putOnSale(
  client: Client,
  adminToken: string,
  article: {
    readonly title: string
    readonly slug: string
    readonly description?: string
    readonly categoryId?: string
    readonly label?: string
    /** Minor units, EUR. */
    readonly priceMinor: number
    readonly units: number
  },
): Promise<Article> {
  const { title, slug, description, categoryId, label, priceMinor, units } = article
  const token = adminToken
  const made = await client.must(201, 'POST', '/v1/products', {
    token,
    body: { title, slug, ...(description && { description }), ...(categoryId && { categoryId }) },
  })
  const productId: string = made.body.id
  const varied = await client.must(201, 'POST', `/v1/products/${productId}/variants`, {
    token,
    body: { sku: slug.toUpperCase(), ...(label && { label }) },
  })
  const variantId: string = varied.body.variants[0].id
  await client.must(200, 'PUT', `/v1/variants/${variantId}/prices`, {
    token,
    ifMatch: varied.headers.get('etag') ?? '',
    body: [{ price: { amount: priceMinor, currency: 'EUR' } }],
  })
  if (units > 0) {
    await client.must(201, 'POST', `/v1/stock/${variantId}/adjustments`, {
      token,
      key: freshKey(),
      body: { delta: units, reason: 'delivery' },
    })
  }
  await client.must(200, 'POST', `/v1/products/${productId}/publish`, { token })
  return { productId, variantId }
}

/** Waits until carts know an article: orders learns of it by events. */
export async function untilCartsKnow(client: Client, { variantId }: Article): Promise<void> {
  const cart = (await client.must(201, 'POST', '/v1/carts')).body
  for (let tries = 0; ; tries += 1) {
    const answer = await client.ask('PUT', `/v1/carts/${cart.id}/items/${variantId}`, {
      headers: { 'x-cart-token': cart.token },
      body: { quantity: 1 },
    })
    if (answer.status === 200) return
    if (tries >= 200) throw new Error(`Carts do not know ${variantId}: ${answer.status}`)
    await delay(100)
  }
}

/** A cart that is ready to be checked out. */
export interface FilledCart {
  readonly id: string
  readonly etag: string
  readonly total: Json
}

/** Fills the account's cart. */
export async function fillCart(
  client: Client,
  token: string,
  { variantId }: Article,
  quantity: number,
): Promise<FilledCart> {
  const cart = (await client.must(200, 'GET', '/v1/me/cart', { token })).body
  const filled = await client.must(200, 'PUT', `/v1/carts/${cart.id}/items/${variantId}`, {
    token,
    body: { quantity },
  })
  return { id: cart.id, etag: filled.headers.get('etag') ?? '', total: filled.body.total }
}

/** Checks a cart out; the answer may be a refusal. */
export async function checkout(
  client: Client,
  token: string,
  cart: FilledCart,
  options: { readonly key?: string; readonly wait?: number; readonly addressId?: string } = {},
): Promise<Answer> {
  const { key = freshKey(), wait, addressId } = options
  return client.ask('POST', `/v1/carts/${cart.id}/checkout`, {
    token,
    key,
    ifMatch: cart.etag,
    body: { expectedTotal: cart.total, ...(addressId !== undefined && { addressId }) },
    ...(wait !== undefined && { wait }),
  })
}

/** Fills a cart with one article and checks it out. @returns the order's id */
export async function order(
  client: Client,
  token: string,
  article: Article,
  quantity = 1,
): Promise<string> {
  const cart = await fillCart(client, token, article, quantity)
  const answer = await checkout(client, token, cart, { wait: 10 })
  if (answer.status !== 202) {
    throw new Error(`Checkout answered ${answer.status}: ${JSON.stringify(answer.body)}`)
  }
  return answer.body.id
}

/** Reads an order. */
export async function readOrder(client: Client, token: string, orderId: string): Promise<Json> {
  return (await client.must(200, 'GET', `/v1/orders/${orderId}`, { token })).body
}

/** Waits until an order is in one of `states`. @throws after `timeoutMs`, with the order */
export async function orderIn(
  client: Client,
  token: string,
  orderId: string,
  states: readonly string[],
  timeoutMs = 20_000,
): Promise<Json> {
  const until = performance.now() + timeoutMs
  for (;;) {
    const { status, body } = await client.ask('GET', `/v1/orders/${orderId}`, { token })
    if (status === 200 && states.includes(body.state)) return body
    if (performance.now() > until) {
      throw new Error(`Order ${orderId} is not ${states.join(' or ')}: ${JSON.stringify(body)}`)
    }
    await delay(50)
  }
}

/** Pays an intent with a token of the simulated provider. */
export async function pay(
  client: Client,
  token: string,
  intentId: string,
  cardToken: string,
  wait = 10,
): Promise<Answer> {
  return client.ask('POST', `/v1/payment-intents/${intentId}/confirm`, {
    token,
    key: freshKey(),
    wait,
    body: { token: cardToken },
  })
}
