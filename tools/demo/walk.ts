import { randomBytes, randomUUID } from 'node:crypto'
import { CliError } from '../cli-error.ts'
import { type Answer, type Ask, type Client, freshKey, type Json, mailTo } from '../prove/client.ts'

/** One request of the buyer, and what it was for. */
export interface Hop {
  readonly what: string
  readonly method: string
  readonly path: string
  readonly status: number
  /** Until the answer was there, in milliseconds. */
  readonly tookMs: number
}

/** A purchase as the buyer saw it. */
export interface Walk {
  /** Correlation id of all requests: the name of the story. */
  readonly story: string
  readonly buyer: string
  readonly article: string
  readonly orderId: string
  readonly hops: readonly Hop[]
  /** When the buyer clicked on "buy". */
  readonly clickedAt: Date
  /** From the click to the confirmation, in milliseconds. */
  readonly confirmedMs: number
  /** From the click to the mail in the inbox, in milliseconds. */
  readonly mailedMs: number
  readonly mail: { readonly subject: string; readonly text: string }
}

/** What is bought when it is for sale. */
const favourite = 'campus-mug'
const mailMs = 30_000

/**
 * Buys something as a new person: registers, confirms by the mail, fills a cart as a guest, claims it, checks
 * out, pays, waits for the confirmation, and reads the mail.
 *
 * @throws CliError when a step is refused
 */
export async function walk(client: Client, inboxUrl: string): Promise<Walk> {
  const story = randomUUID()
  const hops: Hop[] = []
  const step = async (what: string, method: string, path: string, options: Ask = {}) => {
    const headers = { ...options.headers, 'x-correlation-id': story }
    const startedAt = performance.now()
    const answer = await client.ask(method, path, { ...options, headers })
    const tookMs = performance.now() - startedAt
    hops.push({ what, method, path, status: answer.status, tookMs })
    if (answer.status >= 300) throw refusal(what, `${method} ${path}`, answer)
    return answer
  }

  const product = await chooseProduct(client, step)
  const cart = await fillGuestCart(step, product)
  const buyer = await becomeSomebody(step, inboxUrl)
  const { token } = buyer
  const claimed = await step('the cart becomes theirs', 'POST', `/v1/carts/${cart.id}/claim`, {
    token,
    headers: { 'x-cart-token': cart.token },
    body: { strategy: 'sum' },
  })
  const clickedAt = new Date()
  const placed = await step('buy', 'POST', `/v1/carts/${claimed.body.id}/checkout`, {
    token,
    key: freshKey(),
    wait: 10,
    ifMatch: claimed.headers.get('etag') ?? '',
    body: { expectedTotal: claimed.body.total },
  })
  const path = placed.headers.get('location') ?? ''
  const { payment } = (await step('the order waits for its payment', 'GET', path, { token })).body
  await step('pay', 'POST', `/v1/payment-intents/${payment.intentId}/confirm`, {
    token,
    key: freshKey(),
    wait: 10,
    body: { token: 'tok_ok' },
  })
  const done = await step('wait for the confirmation', 'GET', path, { token, wait: 10 })
  if (done.body.state !== 'confirmed') {
    throw new CliError(`The order is ${done.body.state}, not confirmed: "campus sagas show" helps.`)
  }
  const confirmedMs = Date.now() - clickedAt.getTime()
  const mail = await mailTo(inboxUrl, buyer.email, /confirmed/i, mailMs)
  return {
    story,
    buyer: buyer.email,
    article: product.title,
    orderId: placed.body.id,
    hops,
    clickedAt,
    confirmedMs,
    mailedMs: Date.now() - clickedAt.getTime(),
    mail: { subject: mail.Subject, text: mail.Text },
  }
}

type Take = (what: string, method: string, path: string, options?: Ask) => Promise<Answer>

async function chooseProduct(client: Client, step: Take): Promise<Json> {
  const wanted = await client.ask('GET', `/v1/products/${favourite}`)
  const shelf = await step('look at the shelf', 'GET', '/v1/products?limit=20')
  const slug: string | undefined = wanted.status === 200 ? favourite : shelf.body.data[0]?.slug
  if (slug === undefined) {
    throw new CliError('Nothing is for sale. Start the mesh with its demo data: "campus up".')
  }
  return (await step('look at a product', 'GET', `/v1/products/${slug}`)).body
}

async function fillGuestCart(step: Take, product: Json): Promise<Json> {
  const { body: cart } = await step('take a cart, as a guest', 'POST', '/v1/carts')
  const variantId: string = product.variants[0].id
  await step('put one into it', 'PUT', `/v1/carts/${cart.id}/items/${variantId}`, {
    headers: { 'x-cart-token': cart.token },
    body: { quantity: 1 },
  })
  return cart
}

async function becomeSomebody(
  step: Take,
  inboxUrl: string,
): Promise<{ readonly email: string; readonly token: string }> {
  const email = `demo-${randomBytes(4).toString('hex')}@campus.example`
  const password = randomBytes(15).toString('base64url')
  const body = { email, password, name: 'Demo Buyer' }
  await step('register', 'POST', '/v1/auth/register', { body })
  const mail = await mailTo(inboxUrl, email, /confirm|verify/i, mailMs)
  const token = /Token: (\S+)/.exec(mail.Text)?.[1]
  if (token === undefined) throw new CliError(`The mail to ${email} carries no token.`)
  await step('confirm the address, with the token of the mail', 'POST', '/v1/auth/email/verify', {
    body: { token },
  })
  const signedIn = await step('sign in', 'POST', '/v1/auth/login', { body: { email, password } })
  return { email, token: signedIn.body.accessToken }
}

function refusal(what: string, request: string, { status, headers, body }: Answer): CliError {
  if (status === 429) {
    const minutes = Math.ceil(Number(headers.get('retry-after') ?? 60) / 60)
    return new CliError(
      `Campus lets one address do this only so often (${what}). Try again in ${minutes} minutes, or ` +
        'start the mesh with CAMPUS_USERS_REGISTER_PER_HOUR=1000.',
    )
  }
  return new CliError(
    `It stopped at "${what}": ${request} answered ${status} ${JSON.stringify(body)}`,
  )
}
