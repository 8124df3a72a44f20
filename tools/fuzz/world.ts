import { newId } from '@campus/platform/new-id'
import { eventually } from '@campus/platform/testing/eventually'
import { type Client, freshKey, type Json, mailTo } from '../prove/client.ts'
import { fillCart, order, orderIn, pay, putOnSale, untilCartsKnow } from '../prove/shop.ts'
import type { Backstage } from './backstage.ts'
import type { Cast } from './cast.ts'
import { examplesOf } from './leavers.ts'

/** What makes a request to one operation meaningful: an id or a text that is drawn at random is neither. */
export interface Example {
  /** By the names of parameters. */
  readonly parameters?: Readonly<Record<string, string>>
  readonly body?: object
}

/** Things of a running mesh that requests can be about. */
export interface World {
  /** For every operation with such a parameter. */
  readonly parameters: Readonly<Record<string, string>>
  /** For single operations, e.g. `POST /v1/carts`; they win. */
  readonly operations: Readonly<Record<string, Example>>
}

/**
 * Makes one thing of each kind for each operation that uses one up: an order to be paid, one to be sent,
 * one to be given back, and so on.
 */
export async function makeWorld(
  client: Client,
  inboxUrl: string,
  backstage: Backstage,
  { admin, student, other, forgetful, leavers }: Cast,
): Promise<World> {
  const asAdmin = ask(client, admin.token)
  const asStudent = ask(client, student.token)
  const suffix = Date.now().toString(36)
  const article = await putOnSale(client, admin.token, {
    title: 'Something to try',
    slug: `something-${suffix}`,
    priceMinor: 1_000,
    units: 10_000,
  })
  await untilCartsKnow(client, article)
  const secret = `${suffix} correct horse battery`
  const lines = [{ lineNo: 1, quantity: 1 }]

  async function awaitingPayment(): Promise<Json> {
    const id = await order(client, student.token, article, 2)
    const { payment } = await orderIn(client, student.token, id, ['awaiting_payment'])
    return { id, intentId: payment.intentId }
  }
  async function confirmed(): Promise<Json> {
    const { id, intentId } = await awaitingPayment()
    await pay(client, student.token, intentId, 'tok_ok')
    return orderIn(client, student.token, id, ['confirmed'])
  }
  async function sent(): Promise<Json> {
    const { id } = await confirmed()
    const whole = [{ lineNo: 1, quantity: 2 }]
    const { id: fulfillmentId } = await asAdmin('POST', `/v1/orders/${id}/fulfillments`, {
      lines: whole,
    })
    return { id, fulfillmentId }
  }
  async function delivered(): Promise<Json> {
    const { id, fulfillmentId } = await sent()
    await asAdmin('POST', `/v1/fulfillments/${fulfillmentId}/deliver`)
    return orderIn(client, student.token, id, ['completed'])
  }
  async function asked(): Promise<string> {
    const { id } = await delivered()
    return (await asStudent('POST', `/v1/orders/${id}/returns`, { lines, reason: 'Too big' })).id
  }
  async function challenged(): Promise<Json> {
    const { intentId } = await awaitingPayment()
    await pay(client, student.token, intentId, 'tok_3ds')
    return asStudent('GET', `/v1/payment-intents/${intentId}`)
  }
  async function finePaid(userId: string): Promise<string> {
    const { intentId, capture } = await backstage.fine(userId, 500)
    await pay(client, student.token, intentId, 'tok_ok')
    await capture()
    await eventually(async () => {
      const { state } = await asStudent('GET', `/v1/payment-intents/${intentId}`)
      if (state !== 'captured') throw new Error(`The fine is ${state}.`)
    })
    return intentId
  }
  const inChallenge = await challenged()
  const toSettle = await challenged()
  const refunded = await delivered()
  const amount = { amount: 100, currency: 'EUR' }
  const refund = { lines: [{ lineNo: 1, amount }], reason: 'A scratch' }
  const { id: refundId } = await asAdmin('POST', `/v1/orders/${refunded.id}/refunds`, refund)
  const [toApprove, toReceive, toReject] = [await asked(), await asked(), await asked()]
  await asAdmin('POST', `/v1/returns/${toReceive}/approve`)
  const address = { name: 'Sam', line1: 'Campus 1', city: 'Berlin', country: 'DE' }
  const addressIds = [
    (await asStudent('POST', '/v1/me/addresses', address)).id,
    (await asStudent('POST', '/v1/me/addresses', address)).id,
  ]
  const [known] = (await asAdmin('GET', '/v1/me/addresses')).data
  const adminAddress = known ?? (await asAdmin('POST', '/v1/me/addresses', address))
  const methodId = (await asStudent('POST', '/v1/me/payment-methods', { token: 'tok_ok' })).id
  const code = `TRY-${suffix.toUpperCase()}`
  const action = { kind: 'percent', percent: 10 }
  const promotion = await asAdmin('POST', '/v1/promotions', { code, name: 'Try', action })
  const category = await asAdmin('POST', '/v1/categories', {
    name: 'Empty',
    slug: `empty-${suffix}`,
  })
  const used = await asAdmin('POST', '/v1/categories', { name: 'Kept', slug: `kept-${suffix}` })
  const guest = await ask(client)('POST', '/v1/carts')
  await client.must(200, 'PUT', `/v1/carts/${guest.id}/items/${article.variantId}`, {
    headers: { 'x-cart-token': guest.token },
    body: { quantity: 1 },
  })
  const claimed = await ask(client)('POST', '/v1/carts')
  const waiting = await awaitingPayment()
  const { intentId } = await awaitingPayment()
  const [toFulfil, toDeliver, toRefund, toCompensate] = [
    await confirmed(),
    await sent(),
    await delivered(),
    await confirmed(),
  ]
  const toReturn = await delivered()
  const notifications = await asStudent('GET', '/v1/me/notifications')
  const { id: userId } = await asStudent('GET', '/v1/me')
  const fineId = await finePaid(userId)
  const { id: adminId } = await asAdmin('GET', '/v1/me')
  const newcomer = { email: `late-${suffix}@campus.example`, name: 'Late', password: secret }
  await client.must(202, 'POST', '/v1/auth/register', { body: newcomer })
  const verify = await mailTo(inboxUrl, newcomer.email, /confirm|verify/i)
  await client.must(202, 'POST', '/v1/auth/password/forgot', { body: { email: forgetful.email } })
  const forgotten = await mailTo(inboxUrl, forgetful.email, /password/i)
  // Last: this cart is the one that is open.
  const cart = await fillCart(client, student.token, article, 1)

  return {
    parameters: {
      'if-match': '*',
      productId: article.productId,
      variantId: article.variantId,
      categoryId: used.id,
      orderId: refunded.id,
      returnId: toReceive,
      refundId,
      intentId: inChallenge.id,
      addressId: addressIds[0],
      notificationId: notifications.data[0].id,
      promotionId: promotion.id,
      code,
      userId,
      cartId: guest.id,
      'x-cart-token': guest.token,
    },
    operations: {
      'POST /v1/auth/register': {
        body: {
          email: `new-${suffix}@campus.example`,
          password: secret,
          name: 'New',
        },
      },
      // Sign-ins of an account are limited: this one is needed for nothing else.
      'POST /v1/auth/login': { body: { email: other.email, password: other.password } },
      'POST /v1/auth/refresh': { body: { refreshToken: other.refreshToken } },
      'POST /v1/auth/email/resend': { body: { email: other.email } },
      'POST /v1/auth/password/forgot': { body: { email: other.email } },
      'POST /v1/auth/email/verify': { body: { token: tokenIn(verify.Text) } },
      'POST /v1/auth/password/reset': {
        body: { token: tokenIn(forgotten.Text), password: secret },
      },
      'POST /v1/products': { body: { title: 'Another', slug: `another-${suffix}` } },
      'POST /v1/products/{productId}/variants': { body: { sku: `MORE-${suffix.toUpperCase()}` } },
      'POST /v1/promotions': { body: { code: `${code}-2`, name: 'Try', action } },
      'POST /v1/carts/{cartId}/checkout': {
        parameters: { cartId: cart.id, 'idempotency-key': freshKey() },
        body: { expectedTotal: cart.total, addressId: addressIds[0] },
      },
      'POST /v1/carts/{cartId}/claim': {
        parameters: { cartId: claimed.id, 'x-cart-token': claimed.token },
        body: { strategy: 'keepUser' },
      },
      'POST /v1/payment-intents/{intentId}/confirm': {
        parameters: { intentId },
        body: { token: 'tok_ok' },
      },
      'POST /v1/psp/challenges/{challengeId}': {
        parameters: { challengeId: inChallenge.challengeId },
        body: { outcome: 'pass' },
      },
      'POST /v1/psp/webhooks': {
        body: {
          id: newId(),
          intentId: toSettle.id,
          attemptId: await backstage.attemptOf(toSettle.id),
          at: new Date().toISOString(),
          fact: { kind: 'authorized', amount: toSettle.amount },
        },
      },
      'POST /v1/refunds': { body: { intentId: fineId, amount, reason: 'The book was found' } },
      'POST /v1/orders/{orderId}/cancel': { parameters: { orderId: waiting.id } },
      'POST /v1/orders/{orderId}/fulfillments': {
        parameters: { orderId: toFulfil.id },
        body: { lines },
      },
      'POST /v1/fulfillments/{fulfillmentId}/deliver': {
        parameters: { fulfillmentId: toDeliver.fulfillmentId },
      },
      'POST /v1/orders/{orderId}/refunds': {
        parameters: { orderId: toRefund.id },
        body: refund,
      },
      'POST /v1/orders/{orderId}/returns': {
        parameters: { orderId: toReturn.id },
        body: { lines, reason: 'Too small' },
      },
      'POST /v1/returns/{returnId}/approve': { parameters: { returnId: toApprove } },
      'POST /v1/returns/{returnId}/receive': {
        parameters: { returnId: toReceive },
        body: { lines: [{ lineNo: 1, quantity: 1, restock: true }] },
      },
      'POST /v1/returns/{returnId}/reject': {
        parameters: { returnId: toReject },
        body: { reason: 'Worn' },
      },
      'POST /v1/sagas/{orderId}/retry': { parameters: { orderId: waiting.id } },
      'POST /v1/sagas/{orderId}/compensate': {
        parameters: { orderId: toCompensate.id },
        body: { reason: 'A try' },
      },
      'POST /v1/me/payment-methods': { body: { token: 'tok_double_webhook' } },
      'DELETE /v1/me/payment-methods/{paymentMethodId}': {
        parameters: { paymentMethodId: methodId },
      },
      'DELETE /v1/me/addresses/{addressId}': { parameters: { addressId: addressIds[1] } },
      'GET /v1/users/{userId}/addresses/{addressId}': {
        parameters: { userId: adminId, addressId: adminAddress.id },
      },
      'DELETE /v1/categories/{categoryId}': { parameters: { categoryId: category.id } },
      'PUT /v1/users/{userId}/roles': {
        parameters: { userId: other.userId },
        body: { roles: ['instructor'] },
      },
      'POST /v1/users/{userId}/suspend': {
        parameters: { userId: other.userId },
        body: { code: 'own_request' },
      },
      ...examplesOf(leavers),
    },
  }
}

/** The token of a mail. */
function tokenIn(text: string): string {
  return /Token: (\S+)/.exec(text)?.[1] ?? ''
}

/** Asks with a fresh key each time. @returns the body. @throws for any answer but 2xx */
function ask(client: Client, token?: string) {
  return async (method: string, path: string, body?: object): Promise<Json> => {
    const answer = await client.ask(method, path, {
      key: freshKey(),
      ...(token !== undefined && { token }),
      ...(body !== undefined && { body }),
    })
    if (answer.status < 300) return answer.body
    throw new Error(`${method} ${path}: ${answer.status} ${JSON.stringify(answer.body)}`)
  }
}
