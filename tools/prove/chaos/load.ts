import { setTimeout as delay } from 'node:timers/promises'
import type { Client, Json } from '../client.ts'
import type { Person } from '../people.ts'
import { type Random, seededRandom } from '../random.ts'
import type { Article } from '../shop.ts'
import { type History, read, write } from './history.ts'

/** What the people of a run do, and how often relative to the others. */
const cards = [
  ['tok_ok', 76],
  ['tok_declined', 5],
  ['tok_declined_final', 3],
  ['tok_double_webhook', 5],
  ['tok_reordered', 3],
  ['tok_timeout_then_success', 2],
  ['tok_capture_fails', 2],
  ['tok_refund_fails', 2],
  ['tok_late_webhook', 2],
] as const

/** So many of the articles, from the first on, are never sold out. */
export const plentiful = 3

/** A token lives for ten minutes. */
const tokenMs = 7 * 60_000
/** An order that has not ended after this time is followed no more; the verdict looks at it. */
const followMs = 120_000

/** Somebody who buys, one purchase after the other: an account has one cart. */
interface Buyer {
  person: Person
  signedInAt: number
  isBusy: boolean
}

export interface LoadOptions {
  readonly client: Client
  readonly people: readonly Person[]
  readonly admin: Person
  readonly articles: readonly [Article, ...Article[]]
  readonly seed: number
  /** Journeys begun a second, whatever became of those before. */
  readonly rate: number
  readonly history: History
}

/** Begins journeys until told to stop. @returns resolves when the last one has ended */
export function startLoad(options: LoadOptions): { stop(): Promise<void> } {
  const { people, rate, history } = options
  const random = seededRandom(options.seed + 1)
  const buyers = people.map(person => ({ person, signedInAt: performance.now(), isBusy: false }))
  const admin = { person: options.admin, signedInAt: performance.now(), isBusy: false }
  const stopping = new AbortController()
  const running = new Set<Promise<void>>()

  async function run(buyer: Buyer, journey: () => Promise<void>): Promise<void> {
    history.journeys.begun += 1
    buyer.isBusy = true
    const beganAt = performance.now()
    try {
      await journey()
      history.journeys.ended += 1
      history.journeysMs.push(performance.now() - beganAt)
    } catch {
      history.journeys.givenUp += 1
    } finally {
      buyer.isBusy = false
    }
  }

  function begin(buyer: Buyer, journey: () => Promise<void>): void {
    const journeying = run(buyer, journey).finally(() => running.delete(journeying))
    running.add(journeying)
  }

  const arriving = (async () => {
    while (!stopping.signal.aborted) {
      await delay(random.wait(1_000 / rate), undefined, { signal: stopping.signal }).catch(
        () => undefined,
      )
      if (stopping.signal.aborted) return
      const dice = random.below(100)
      if (dice < 4 && !admin.isBusy) begin(admin, () => restock(options, admin, random))
      const free = buyers.find(buyer => !buyer.isBusy)
      if (free === undefined) history.journeys.notBegun += 1
      else if (dice < 15) begin(free, () => rename(options, free, random))
      else if (dice < 55) begin(free, () => wander(options, free, random))
      else begin(free, () => buy(options, free, random))
    }
  })()
  return {
    async stop() {
      stopping.abort()
      await arriving
      while (running.size > 0) await Promise.all(running)
    },
  }
}

async function tokenOf({ client, history }: LoadOptions, buyer: Buyer): Promise<string> {
  if (performance.now() - buyer.signedInAt > tokenMs) {
    const { email, password } = buyer.person
    const signedIn = await write(history, client, ['POST', '/v1/auth/login'], {
      body: { email, password },
    })
    const token: string | undefined = signedIn.answer?.body?.accessToken
    if (token === undefined) throw new Error(`${email} cannot sign in.`)
    buyer.person = { ...buyer.person, token }
    buyer.signedInAt = performance.now()
  }
  return buyer.person.token
}

/** A change that only users and the profile topic see. */
async function rename(options: LoadOptions, buyer: Buyer, random: Random): Promise<void> {
  const { client, history } = options
  const token = await tokenOf(options, buyer)
  const me = await read(history, client, '/v1/me', { token })
  await write(history, client, ['PATCH', '/v1/me'], {
    token,
    ifMatch: me.headers.get('etag') ?? '',
    body: { name: `Buyer ${random.below(1_000_000)}` },
  })
}

/** Somebody who fills a cart and goes away. */
async function wander(options: LoadOptions, buyer: Buyer, random: Random): Promise<void> {
  const { client, history, articles } = options
  const token = await tokenOf(options, buyer)
  const cart = (await read(history, client, '/v1/me/cart', { token })).body
  for (let n = 2 + random.below(5); n > 0; n -= 1) {
    // Never a scarce one: it would cancel the whole order later.
    const { variantId } = articles[random.below(plentiful)] ?? articles[0]
    const path = `/v1/carts/${cart.id}/items/${variantId}`
    const body = { quantity: 1 + random.below(3) }
    await write(history, client, ['PUT', path], { token, body })
  }
}

/** Ten more units of an article. */
async function restock(options: LoadOptions, admin: Buyer, random: Random): Promise<void> {
  const { client, history, articles } = options
  const token = await tokenOf(options, admin)
  const { variantId } = random.pick(articles)
  const { outcome } = await write(history, client, ['POST', `/v1/stock/${variantId}/adjustments`], {
    token,
    body: { delta: 10, reason: 'delivery' },
  })
  if (outcome !== 'refused') history.delivered[outcome] += 10
}

/** From the cart to the end of the order, with one of the provider's cards. */
async function buy(options: LoadOptions, buyer: Buyer, random: Random): Promise<void> {
  const { client, history, articles } = options
  const article = random.weigh(articles.map((one, n) => [one, n < plentiful ? 6 : 1] as const))
  const card = random.weigh(cards)
  const changesMind = random.below(100) < 6
  const token = await tokenOf(options, buyer)
  const cart = (await read(history, client, '/v1/me/cart', { token })).body
  const put = async ({ variantId }: Article, quantity: number) =>
    write(history, client, ['PUT', `/v1/carts/${cart.id}/items/${variantId}`], {
      token,
      body: { quantity },
    })
  // What an earlier visit has left in the cart is bought too.
  const filled = await put(article, 1)
  if (filled.answer === undefined || filled.outcome !== 'acknowledged') return
  const placed = await write(history, client, ['POST', `/v1/carts/${cart.id}/checkout`], {
    token,
    wait: 4,
    ifMatch: filled.answer.headers.get('etag') ?? '',
    body: { expectedTotal: filled.answer.body.total },
  })
  if (placed.answer === undefined || placed.outcome !== 'acknowledged') return
  const orderId: string = placed.answer.body.id
  if (history.orders.has(orderId)) history.contradictions.push(`order ${orderId} was placed twice`)
  history.orders.add(orderId)
  if (changesMind) {
    await write(history, client, ['POST', `/v1/orders/${orderId}/cancel`], { token })
  } else {
    await pay(options, token, orderId, card)
  }
  await follow(options, token, orderId, isOver)
}

async function pay(
  options: LoadOptions,
  token: string,
  orderId: string,
  card: string,
): Promise<void> {
  const { client, history } = options
  const payable = await follow(options, token, orderId, ({ state, payment }) => {
    return state !== 'placed' && (state !== 'awaiting_payment' || payment.intentId !== undefined)
  })
  if (payable?.state !== 'awaiting_payment') return
  const path = `/v1/payment-intents/${payable.payment.intentId}/confirm`
  const confirm = async (with_: string) =>
    write(history, client, ['POST', path], { token, wait: 4, body: { token: with_ } })
  await confirm(card)
  // Whoever is declined once tries another card.
  if (card === 'tok_declined') await confirm('tok_ok')
}

/** Reads an order until `isDone`, or for as long as anybody would wait. */
async function follow(
  { client, history }: LoadOptions,
  token: string,
  orderId: string,
  isDone: (order: Json) => boolean,
): Promise<Json> {
  const until = performance.now() + followMs
  let seen = ''
  while (performance.now() < until) {
    const news = { token, ...(seen !== '' && { wait: 4, headers: { 'if-none-match': seen } }) }
    const { status, body, headers } = await read(history, client, `/v1/orders/${orderId}`, news)
    if (status === 404) {
      history.contradictions.push(`order ${orderId} was acknowledged and is not there`)
      return undefined
    }
    if (status === 200 && isDone(body)) return body
    // A token may end while its owner waits.
    if (status === 401) return undefined
    seen = headers.get('etag') ?? seen
    await delay(150)
  }
  return undefined
}

function isOver({ state }: Json): boolean {
  return state === 'confirmed' || state === 'completed' || state === 'cancelled'
}
