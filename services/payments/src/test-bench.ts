import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import {
  captureRequested,
  orderConfirmed,
  paymentRequested,
  paymentVoidRequested,
  type Ref,
  refundRequested,
} from '@campus/contracts/events/orders'
import {
  type AnyId,
  asId,
  type OrderId,
  type PaymentMethodId,
  type PriceId,
  type RefundId,
  type UserId,
  type VariantId,
} from '@campus/contracts/ids'
import { topics } from '@campus/contracts/topics'
import { newId } from '@campus/platform/new-id'
import { loadConfig } from '@campus/platform/process/config'
import type { Cleanup } from '@campus/platform/testing/cleanup'
import { eventually } from '@campus/platform/testing/eventually'
import { createTestSurroundings } from '@campus/platform/testing/service'
import { sql } from 'drizzle-orm'
import { Config } from './config.ts'
import { buildService } from './service.ts'
import { signatureHeader, signatureOf, timestampHeader } from './signature.ts'

export const eur = (amount: number) => ({ amount, currency: 'EUR' })
const secret = 'only-for-tests-only-for-tests'

export interface Call {
  readonly url: string
  readonly method?: 'GET' | 'POST' | 'DELETE'
  readonly headers?: Record<string, string>
  readonly payload?: object | string
}

/** The service with everything around it, and what its tests do most. */
export async function open(t: Cleanup, settings: Record<string, string> = {}) {
  const around = await createTestSurroundings(t, { service: 'payments', topics })
  const config = loadConfig(Config, {
    ...around.env,
    WEBHOOK_SECRET: secret,
    PSP_PERIOD_MS: '20',
    PSP_TIMEOUT_MS: '100',
    PSP_LATE_SUCCESS_MS: '300',
    PSP_LATE_WEBHOOK_MS: '300',
    PSP_LATE_REPEAT_MS: '400',
    PSP_REORDER_MS: '400',
    PSP_DISPUTE_MS: '200',
    PSP_DISPUTE_LOST_MS: '400',
    REFUND_PERIOD_MS: '100',
    REFUND_BACK_OFF_MS: '50',
    ORPHAN_PERIOD_MS: '200',
    ...settings,
  })
  const service = buildService(config)
  await service.start()
  t.teardown(() => service.stop())
  /** A busy machine may shed a request: like any client the test tries again. */
  const inject = (request: Call) =>
    eventually(async () => {
      const response = await service.app.inject(request)
      assert.notEqual(response.statusCode, 503)
      return response
    })
  const rowsOf = async (query: ReturnType<typeof sql>) =>
    (await around.postgres.read(tx => tx.execute(query))).rows

  /** Types of the events about one order's money, in the order in which they were emitted. */
  async function emitted(orderId: OrderId): Promise<string[]> {
    const rows = await rowsOf(sql`
      select type, aggregate_version from outbox where payload->'ref'->>'id' = ${orderId}
      union all
      select type, aggregate_version from outbox_archive where payload->'ref'->>'id' = ${orderId}
      order by aggregate_version`)
    return rows.map(row => String(row['type']).split('.')[1] ?? '')
  }

  async function told(orderId: OrderId, ...types: readonly string[]): Promise<void> {
    await eventually(async () => assert.deepEqual(await emitted(orderId), types))
  }

  /** An order that is to be paid. */
  async function ask(
    amount: number,
    options: {
      readonly expiresInMs?: number
      readonly type?: Ref['type']
      readonly userId?: UserId
      readonly paymentMethodId?: PaymentMethodId
    } = {},
  ) {
    const { expiresInMs = 60_000, type = 'order', userId = newId<UserId>() } = options
    const { paymentMethodId } = options
    const orderId = newId<OrderId>()
    const ref = { type, id: asId<AnyId>(orderId) }
    const requested = paymentRequested.of({
      orderId,
      ref,
      userId,
      amount: eur(amount),
      expiresAt: new Date(Date.now() + expiresInMs).toISOString(),
      ...(paymentMethodId !== undefined && { paymentMethodId }),
    })
    await around.publish(requested)
    const intentId = await eventually(async () => {
      const [row] = await rowsOf(sql`select id from intent where ref_id = ${orderId}`)
      assert.ok(row)
      return String(row['id'])
    })
    const headers = { ...around.tokens.bearer({ userId }) }
    const url = `/v1/payment-intents/${intentId}`
    return {
      orderId,
      userId,
      ref,
      intentId,
      headers,
      requested,
      see: async () => (await inject({ url, headers })).json(),
      seeIn: (state: string) =>
        eventually(async () => {
          const body = (await inject({ url, headers })).json()
          assert.equal(body.state, state)
          return body
        }),
      confirm: (token: string, more: Record<string, string> = {}) =>
        inject({
          method: 'POST',
          url: `${url}/confirm`,
          headers: { ...headers, 'idempotency-key': randomUUID(), prefer: 'wait=5', ...more },
          payload: { token },
        }),
      told: (...types: readonly string[]) => told(orderId, ...types),
      capture: captureRequested.of({ orderId, ref, amount: eur(amount) }),
      refund: (refundId: RefundId, minor: number) =>
        refundRequested.of({
          orderId,
          ref,
          refundId,
          amount: eur(minor),
          lines: [{ lineNo: 1, quantity: 1, amount: eur(minor) }],
          reason: 'damaged',
        }),
      void: paymentVoidRequested.of({ orderId, ref, reason: 'cancelled_by_customer' }),
      confirmed: confirmedOrder(orderId, userId, amount),
    }
  }

  /** Sends a webhook as the provider does, or nearly so. */
  async function tell(
    body: string,
    how: { readonly secret?: string; readonly at?: number; readonly sent?: string } = {},
  ) {
    const timestamp = String(Math.floor((how.at ?? Date.now()) / 1_000))
    return inject({
      method: 'POST',
      url: '/v1/psp/webhooks',
      headers: {
        'content-type': 'application/json',
        [timestampHeader]: timestamp,
        [signatureHeader]: signatureOf(how.secret ?? secret, timestamp, body),
      },
      payload: how.sent ?? body,
    })
  }

  async function untilDelivered(): Promise<void> {
    await eventually(async () => {
      assert.deepEqual(await rowsOf(sql`select id from psp_delivery`), [])
    })
  }

  /** Balances of the accounts of one order, and of cash as far as it is this order's. */
  async function booked(orderId: OrderId): Promise<Record<string, number>> {
    const rows = await rowsOf(sql`
      select account, sum(amount)::bigint as balance from posting
      join ledger_transaction on ledger_transaction.id = transaction_id
      where ref_id = ${orderId} group by account`)
    return Object.fromEntries(rows.map(row => [String(row['account']), Number(row['balance'])]))
  }

  /** Every invariant of the money, whatever happened. */
  async function requireSound(): Promise<void> {
    const unbalanced = await rowsOf(sql`
      select transaction_id from posting group by transaction_id, currency having sum(amount) <> 0`)
    assert.deepEqual(unbalanced, [])
    const [cash] = await rowsOf(sql`
      select (select coalesce(sum(captured - refunded), 0)::bigint from intent) as kept,
        (select coalesce(sum(amount), 0)::bigint from posting where account = 'cash') as cash`)
    assert.equal(cash?.['cash'], cash?.['kept'])
  }

  return { ...around, inject, rowsOf, emitted, ask, tell, untilDelivered, booked, requireSound }
}

function confirmedOrder(orderId: OrderId, userId: UserId, amount: number) {
  const money = eur(amount)
  const none = eur(0)
  return orderConfirmed.of({
    orderId,
    userId,
    confirmedAt: new Date().toISOString(),
    lines: [
      {
        lineNo: 1,
        variantId: newId<VariantId>(),
        priceId: newId<PriceId>(),
        kind: 'physical',
        quantity: 1,
        unitPrice: money,
        discount: none,
        tax: none,
        total: money,
      },
    ],
    totals: { goods: money, discount: none, tax: none, shipping: none, total: money },
  })
}

/** What is told of an order that is paid. */
export const paidStory = ['intent_created', 'payment_authorized', 'payment_captured']
