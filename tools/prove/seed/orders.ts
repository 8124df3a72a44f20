// The orders of the demo: one in every state that an order can be seen in for longer than a moment. Each
// is told by what its buyer and the warehouse did, and each step looks first whether it was done, so that
// a seed that was interrupted goes on where it stopped.
import { setTimeout as delay } from 'node:timers/promises'
import { type Client, freshKey, type Json } from '../client.ts'
import type { Person } from '../people.ts'
import { type Article, checkout, type FilledCart, orderIn, pay, readOrder } from '../shop.ts'

/** How an order of the demo has ended, or where it stands. */
export type Ending =
  | 'awaiting_payment'
  | 'declined_once'
  | 'declined_for_good'
  | 'out_of_stock'
  | 'cancelled'
  | 'confirmed'
  | 'shipped'
  | 'delivered'
  | 'refunded'

/** One order; a person orders a product once, which is how the order is found again. */
export interface Story {
  readonly buyer: 'student' | 'second' | 'instructor'
  /** Slug of the product. */
  readonly slug: string
  readonly quantity: number
  readonly ending: Ending
}

/** In the order in which each buyer lives through them. */
export const stories: readonly Story[] = [
  { buyer: 'student', slug: 'campus-mug', quantity: 2, ending: 'delivered' },
  { buyer: 'student', slug: 'notebook-a5', quantity: 3, ending: 'shipped' },
  { buyer: 'student', slug: 'hooded-sweater', quantity: 1, ending: 'confirmed' },
  // Ends by itself when the time to pay is over.
  { buyer: 'student', slug: 'fountain-pen', quantity: 1, ending: 'awaiting_payment' },
  { buyer: 'second', slug: 'canvas-bag', quantity: 1, ending: 'refunded' },
  { buyer: 'second', slug: 'wall-calendar', quantity: 1, ending: 'cancelled' },
  { buyer: 'second', slug: 'term-planner', quantity: 1, ending: 'declined_once' },
  { buyer: 'instructor', slug: 'chalk', quantity: 10, ending: 'delivered' },
  { buyer: 'instructor', slug: 'desk-lamp', quantity: 1, ending: 'out_of_stock' },
  { buyer: 'instructor', slug: 'book-stand', quantity: 1, ending: 'declined_for_good' },
]

interface Scene {
  readonly client: Client
  readonly adminToken: string
  readonly buyer: Person
  readonly shelf: ReadonlyMap<string, Article>
}

/** Lives through the stories of one buyer, one after the other: a person has one cart. */
export async function liveThrough(scene: Scene, ownStories: readonly Story[]): Promise<void> {
  const { client, buyer, shelf } = scene
  const placed = await ordersByVariant(client, buyer)
  for (const { slug, quantity, ending } of ownStories) {
    const article = shelf.get(slug)
    if (article === undefined) throw new Error(`${slug} is not for sale.`)
    const orderId = placed.get(article.variantId) ?? (await place(client, buyer, article, quantity))
    await endings[ending](scene, orderId)
  }
}

async function ordersByVariant(client: Client, { token }: Person): Promise<Map<string, string>> {
  const { body } = await client.must(200, 'GET', '/v1/orders?limit=50', { token })
  const found = new Map<string, string>()
  for (const { id } of body.data) {
    const order = await readOrder(client, token, id)
    for (const { variantId } of order.lines) found.set(variantId, id)
  }
  return found
}

/** Carts hear of products by events, which may be on their way. */
const triesMax = 200

async function place(
  client: Client,
  { token }: Person,
  { variantId }: Article,
  quantity: number,
): Promise<string> {
  const cart = (await client.must(200, 'GET', '/v1/me/cart', { token })).body
  for (let tries = 1; ; tries += 1) {
    const path = `/v1/carts/${cart.id}/items/${variantId}`
    const { status, body, headers } = await client.ask('PUT', path, { token, body: { quantity } })
    if (status === 200) {
      const filled: FilledCart = {
        id: cart.id,
        etag: headers.get('etag') ?? '',
        total: body.total,
      }
      const answer = await checkout(client, token, filled, { wait: 10 })
      if (answer.status === 202) return answer.body.id
      throw new Error(`Checkout answered ${answer.status}: ${JSON.stringify(answer.body)}`)
    }
    if (tries >= triesMax) throw new Error(`Carts do not know ${variantId}: ${status}`)
    await delay(50)
  }
}

const endings: Readonly<Record<Ending, (scene: Scene, orderId: string) => Promise<unknown>>> = {
  awaiting_payment: payable,
  declined_once: async (scene, orderId) => {
    const { state, payment } = await payable(scene, orderId)
    if (state !== 'awaiting_payment' || payment.declineCode !== undefined) return
    await pay(scene.client, scene.buyer.token, payment.intentId, 'tok_declined')
  },
  declined_for_good: async (scene, orderId) => {
    const { state, payment } = await payable(scene, orderId)
    if (state !== 'awaiting_payment') return
    await pay(scene.client, scene.buyer.token, payment.intentId, 'tok_declined_final')
    await orderIn(scene.client, scene.buyer.token, orderId, ['cancelled'])
  },
  out_of_stock: async ({ client, buyer }, orderId) =>
    orderIn(client, buyer.token, orderId, ['cancelled']),
  cancelled: async (scene, orderId) => {
    const { client, buyer } = scene
    const { state } = await payable(scene, orderId)
    if (state !== 'awaiting_payment') return
    await client.ask('POST', `/v1/orders/${orderId}/cancel`, {
      token: buyer.token,
      key: freshKey(),
    })
    await orderIn(client, buyer.token, orderId, ['cancelled'])
  },
  confirmed: paid,
  shipped: async (scene, orderId) => {
    const { lines, state } = await paid(scene, orderId)
    // All but one unit, if there are several: the rest is still in the warehouse.
    const [{ quantity, shippedCount }] = lines
    if (state !== 'confirmed' || shippedCount > 0) return
    await ship(scene, orderId, Math.max(quantity - 1, 1))
  },
  delivered: async (scene, orderId) => {
    const { lines, state } = await paid(scene, orderId)
    const [{ quantity, shippedCount }] = lines
    if (state !== 'confirmed' || shippedCount > 0) return
    const { id } = await ship(scene, orderId, quantity)
    const token = scene.adminToken
    await scene.client.must(200, 'POST', `/v1/fulfillments/${id}/deliver`, { token })
  },
  refunded: async (scene, orderId) => {
    const { client, adminToken } = scene
    const { lines, state, refunds } = await paid(scene, orderId)
    if (state !== 'confirmed' || refunds.length > 0) return
    const [{ lineNo, total }] = lines
    await client.must(202, 'POST', `/v1/orders/${orderId}/refunds`, {
      token: adminToken,
      key: freshKey(),
      wait: 10,
      body: { lines: [{ lineNo, amount: total }], reason: 'The strap was torn.' },
    })
  },
}

/** An order that can be paid, or is beyond that. */
async function payable({ client, buyer }: Scene, orderId: string): Promise<Json> {
  for (let tries = 1; ; tries += 1) {
    const order = await readOrder(client, buyer.token, orderId)
    const isWaiting = order.state === 'placed' || order.state === 'awaiting_payment'
    if (!isWaiting || order.payment.intentId !== undefined) return order
    if (tries >= triesMax) throw new Error(`Order ${orderId} cannot be paid.`)
    await delay(50)
  }
}

async function paid(scene: Scene, orderId: string): Promise<Json> {
  const { client, buyer } = scene
  const { state, payment } = await payable(scene, orderId)
  if (state === 'awaiting_payment') {
    await pay(client, buyer.token, payment.intentId, 'tok_ok')
  }
  return orderIn(client, buyer.token, orderId, ['confirmed', 'completed', 'cancelled'])
}

async function ship(
  { client, adminToken }: Scene,
  orderId: string,
  quantity: number,
): Promise<Json> {
  const { body } = await client.must(201, 'POST', `/v1/orders/${orderId}/fulfillments`, {
    token: adminToken,
    key: freshKey(),
    body: { lines: [{ lineNo: 1, quantity }], trackingCode: `DEMO-${orderId.slice(-8)}` },
  })
  return body
}
