import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import {
  captureRequested,
  orderConfirmed,
  paymentRequested,
  paymentVoidRequested,
} from '@campus/contracts/events/orders'
import {
  type AnyId,
  asId,
  type OrderId,
  type PriceId,
  type UserId,
  type VariantId,
} from '@campus/contracts/ids'
import { topics } from '@campus/contracts/topics'
import { newId } from '@campus/platform/new-id'
import { loadConfig } from '@campus/platform/process/config'
import type { Cleanup } from '@campus/platform/testing/cleanup'
import { eventually } from '@campus/platform/testing/eventually'
import { problemOf } from '@campus/platform/testing/problem'
import { createTestSurroundings } from '@campus/platform/testing/service'
import { sql } from 'drizzle-orm'
import { test } from 'tap'
import { Config } from './config.ts'
import { buildService } from './service.ts'
import { signatureHeader, signatureOf, timestampHeader } from './signature.ts'

const eur = (amount: number) => ({ amount, currency: 'EUR' })
const secret = 'only-for-tests-only-for-tests'

async function open(t: Cleanup, settings: Record<string, string> = {}) {
  const around = await createTestSurroundings(t, { service: 'payments', topics })
  const config = loadConfig(Config, {
    ...around.env,
    WEBHOOK_SECRET: secret,
    PSP_PERIOD_MS: '20',
    PSP_TIMEOUT_MS: '100',
    PSP_LATE_SUCCESS_MS: '300',
    PSP_LATE_WEBHOOK_MS: '300',
    PSP_LATE_REPEAT_MS: '400',
    ...settings,
  })
  const service = buildService(config)
  await service.start()
  t.teardown(() => service.stop())
  const { app } = service
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
  async function ask(amount: number, expiresInMs = 60_000) {
    const orderId = newId<OrderId>()
    const userId = newId<UserId>()
    const ref = { type: 'order' as const, id: asId<AnyId>(orderId) }
    const requested = paymentRequested.of({
      orderId,
      ref,
      userId,
      amount: eur(amount),
      expiresAt: new Date(Date.now() + expiresInMs).toISOString(),
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
      see: async () => (await app.inject({ url, headers })).json(),
      seeIn: (state: string) =>
        eventually(async () => {
          const body = (await app.inject({ url, headers })).json()
          assert.equal(body.state, state)
          return body
        }),
      confirm: (token: string, more: Record<string, string> = {}) =>
        app.inject({
          method: 'POST',
          url: `${url}/confirm`,
          headers: { ...headers, 'idempotency-key': randomUUID(), prefer: 'wait=5', ...more },
          payload: { token },
        }),
      capture: captureRequested.of({ orderId, ref, amount: eur(amount) }),
      void: paymentVoidRequested.of({ orderId, ref, reason: 'cancelled_by_customer' }),
    }
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

  return { ...around, app, config, rowsOf, emitted, told, ask, requireSound }
}

test('tok_ok: authorised by the call, captured on request, booked once', async t => {
  const bench = await open(t)
  const order = await bench.ask(2_580)
  await bench.told(order.orderId, 'intent_created')
  const began = performance.now()
  const confirmed = await order.confirm('tok_ok')
  t.equal(confirmed.statusCode, 202, confirmed.body)
  t.comment(`authorised in ${Math.round(performance.now() - began)} ms`)
  t.match(await order.see(), { state: 'authorized', attemptsLeft: 2, amount: eur(2_580) })
  await bench.told(order.orderId, 'intent_created', 'payment_authorized')
  await bench.publish(order.capture)
  t.match(await order.seeIn('captured'), { capturedAmount: eur(2_580), refundedAmount: eur(0) })
  const story = ['intent_created', 'payment_authorized', 'payment_captured']
  await bench.told(order.orderId, ...story)
  await eventually(async () => {
    assert.deepEqual(await bench.rowsOf(sql`select id from psp_delivery`), [])
  })
  t.same(await bench.emitted(order.orderId), story, 'the webhooks have told nothing new')
  await bench.publish(
    orderConfirmed.of({
      orderId: order.orderId,
      userId: order.userId,
      confirmedAt: new Date().toISOString(),
      lines: [
        {
          lineNo: 1,
          variantId: newId<VariantId>(),
          priceId: newId<PriceId>(),
          kind: 'physical',
          quantity: 2,
          unitPrice: eur(1_290),
          discount: eur(0),
          tax: eur(0),
          total: eur(2_580),
        },
      ],
      totals: {
        goods: eur(2_580),
        discount: eur(0),
        tax: eur(0),
        shipping: eur(0),
        total: eur(2_580),
      },
    }),
  )
  const admin = { ...bench.tokens.bearer({ roles: ['admin'] }) }
  await eventually(async () => {
    const accounts = await bench.app.inject({ url: '/v1/ledger/accounts', headers: admin })
    assert.deepEqual(accounts.json().data, [
      { account: 'cash', currency: 'EUR', balance: 2_580 },
      { account: 'revenue:store', currency: 'EUR', balance: -2_580 },
      { account: `unearned:order:${order.orderId}`, currency: 'EUR', balance: 0 },
    ])
  })
  const trial = await bench.app.inject({ url: '/v1/ledger/trial-balance', headers: admin })
  t.same(trial.json().currencies, [{ currency: 'EUR', debit: 5_160, credit: 5_160, difference: 0 }])
  await bench.requireSound()
})
void problemOf
void signatureHeader
void signatureOf
void timestampHeader
