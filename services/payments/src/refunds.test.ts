import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import type { RefundId } from '@campus/contracts/ids'
import { newId } from '@campus/platform/new-id'
import { eventually } from '@campus/platform/testing/eventually'
import { problemOf } from '@campus/platform/testing/problem'
import { sql } from 'drizzle-orm'
import { t as file, test } from 'tap'
import { returnOrphansJob } from './intents/return-orphans.job.ts'
import { book } from './ledger/book.command.ts'
import { eur, open, paidStory } from './test-bench.ts'

// Real servers on a busy machine: most of it is waiting.
file.setTimeout(120_000)

test('money that goes back, against real Postgres, Kafka and HTTP', async suite => {
  suite.setTimeout(110_000)
  const bench = await open(suite)
  const admin = { ...bench.tokens.bearer({ roles: ['admin'] }) }

  /** A payment that was captured. */
  async function paid(token: string, amount = 1_000) {
    const order = await bench.ask(amount)
    await order.confirm(token)
    await order.told('intent_created', 'payment_authorized')
    await bench.publish(order.capture)
    await order.told(...paidStory)
    return order
  }

  await suite.test('a part is refunded, told once, booked in proportion', async t => {
    const order = await paid('tok_ok')
    const refundId = newId<RefundId>()
    const refund = order.refund(refundId, 300)
    await bench.publish(order.confirmed, refund)
    await order.told(...paidStory, 'refund_succeeded')
    await bench.publish(refund)
    await order.told(...paidStory, 'refund_succeeded', 'refund_succeeded')
    t.match(await order.see(), { state: 'captured', refundedAmount: eur(300) })
    t.match(await bench.booked(order.orderId), { cash: 700, 'revenue:store': -700 })
    const seen = await bench.inject({ url: `/v1/refunds/${refundId}`, headers: admin })
    t.match(seen.json(), { state: 'succeeded', amount: eur(300), intentId: order.intentId })
  })

  await suite.test(
    'refunds that exceed what was captured are refused, whatever the order',
    async t => {
      const order = await paid('tok_ok')
      const refunds = Array.from({ length: 20 }, () => order.refund(newId<RefundId>(), 300))
      await bench.publish(order.confirmed, ...refunds)
      await eventually(async () => {
        const told = await bench.emitted(order.orderId)
        assert.equal(told.length, 3 + 20)
      })
      const told = await bench.emitted(order.orderId)
      t.equal(told.filter(type => type === 'refund_succeeded').length, 3)
      t.equal(told.filter(type => type === 'refund_failed').length, 17)
      t.match(await order.see(), { refundedAmount: eur(900) })
    },
  )

  await suite.test('a cancellation gives back what refunds have left', async t => {
    const order = await paid('tok_ok')
    await bench.publish(order.confirmed, order.refund(newId<RefundId>(), 400))
    await order.told(...paidStory, 'refund_succeeded')
    await bench.publish(order.void)
    await order.told(...paidStory, 'refund_succeeded', 'payment_voided')
    t.match(await order.see(), { refundedAmount: eur(1_000) })
    t.same(new Set(Object.values(await bench.booked(order.orderId))), new Set([0]))
  })

  await suite.test(
    'tok_refund_fails: two attempts have no answer, the third one gives back',
    async t => {
      const order = await paid('tok_refund_fails')
      await bench.publish(order.confirmed, order.refund(newId<RefundId>(), 250))
      await order.told(...paidStory, 'refund_succeeded')
      const [refund] = await bench.rowsOf(sql`
      select attempts from refund where intent_id = ${order.intentId}`)
      t.match(refund, { attempts: 2 })
    },
  )

  await suite.test(
    'tok_reordered: the authorisation is told by webhook after the capture, once',
    async t => {
      const order = await paid('tok_reordered')
      await bench.untilDelivered()
      t.same(await bench.emitted(order.orderId), paidStory)
      t.match(await order.see(), { state: 'captured', capturedAmount: eur(1_000) })
    },
  )

  await suite.test('tok_chargeback: the bank takes the money back, and it is booked', async t => {
    const order = await paid('tok_chargeback')
    await bench.publish(order.confirmed)
    await order.told(...paidStory, 'dispute_opened', 'dispute_closed')
    await bench.publish(order.refund(newId<RefundId>(), 100))
    await order.told(...paidStory, 'dispute_opened', 'dispute_closed', 'refund_failed')
    t.match(await order.see(), { refundedAmount: eur(1_000) })
    t.match(await bench.booked(order.orderId), { cash: 0 })
    await bench.publish(order.void)
    await order.told(
      ...paidStory,
      'dispute_opened',
      'dispute_closed',
      'refund_failed',
      'payment_voided',
    )
  })

  await suite.test('POST /v1/refunds refunds a fine, and answers 409 for an order', async t => {
    const refund = (intentId: string, amount: number, headers: Record<string, string> = admin) =>
      bench.inject({
        method: 'POST',
        url: '/v1/refunds',
        headers: { ...headers, 'idempotency-key': randomUUID() },
        payload: { intentId, amount: eur(amount), reason: 'the book was found' },
      })
    const order = await paid('tok_ok')
    t.equal(problemOf(await refund(order.intentId, 1)).code, 'payments.refund_through_order')
    t.equal(problemOf(await refund(newId(), 1)).code, 'request.not_found')
    const student = { ...bench.tokens.bearer() }
    t.equal(problemOf(await refund(order.intentId, 1, student)).code, 'auth.role_missing')

    const fine = await bench.ask(500, { type: 'fine' })
    t.equal(problemOf(await refund(fine.intentId, 1)).code, 'payments.not_captured')
    await fine.confirm('tok_ok')
    await bench.publish(fine.capture)
    await fine.told(...paidStory)
    const made = await refund(fine.intentId, 200)
    t.equal(made.statusCode, 202, made.body)
    await fine.told(...paidStory, 'refund_succeeded')
    const seen = await bench.inject({ url: String(made.headers['location']), headers: admin })
    t.match(seen.json(), { state: 'succeeded', amount: eur(200) })
    t.equal(problemOf(await refund(fine.intentId, 301)).code, 'payments.exceeds_captured')
    t.match(await bench.booked(fine.orderId), { cash: 300, 'revenue:fines': -300 })
  })

  await suite.test('after all this cash is what was captured and not given back', async () => {
    await bench.requireSound()
  })
})

test('captured money whose order is never confirmed goes back, once, by two jobs at once (P5)', async t => {
  const bench = await open(t, { ORPHAN_ALERT_SECONDS: '0', ORPHAN_PERIOD_MS: '60000' })
  const [orphan, kept] = [await bench.ask(700), await bench.ask(800)]
  for (const order of [orphan, kept]) {
    await order.confirm('tok_ok')
    await order.told('intent_created', 'payment_authorized')
    await bench.publish(order.capture)
    await order.told(...paidStory)
  }
  await bench.publish(kept.confirmed)
  await eventually(async () => {
    const [row] = await bench.rowsOf(sql`
      select confirmed_at from intent where id = ${kept.intentId}`)
    assert.ok(row?.['confirmed_at'])
  })
  const values: number[] = []
  const gauge = { set: (value: number) => values.push(value) }
  const deps = { postgres: bench.postgres, book, gauge, alertMs: 0 }
  const run = (refundMs: number) =>
    returnOrphansJob({ ...deps, refundMs }, 60_000).run({
      now: new Date(),
      signal: AbortSignal.timeout(10_000),
    })
  await run(60_000)
  t.same(values, [1], 'it is shown first')
  t.same(await bench.emitted(orphan.orderId), paidStory)
  await Promise.all([run(0), run(0), run(0)])
  await orphan.told(...paidStory, 'payment_voided')
  t.same(await bench.emitted(kept.orderId), paidStory)
  const [voided] = await bench.rowsOf(sql`select voiding from intent where id = ${orphan.intentId}`)
  t.match(voided, { voiding: { outcome: 'refunded', cause: 'orphaned' } })
  const refunds = await bench.rowsOf(sql`select count(*)::int as n from refund`)
  t.match(refunds, [{ n: 1 }])
  await bench.requireSound()
})
