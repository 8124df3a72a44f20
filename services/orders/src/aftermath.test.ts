import assert from 'node:assert/strict'
import { disputeClosed, refundFailed, refundSucceeded } from '@campus/contracts/events/payments'
import { asId, type DisputeId, type RefundId } from '@campus/contracts/ids'
import { newId } from '@campus/platform/new-id'
import { createMetrics } from '@campus/platform/process/metrics'
import { eventually } from '@campus/platform/testing/eventually'
import { problemOf } from '@campus/platform/testing/problem'
import { sql } from 'drizzle-orm'
import { t as file, test } from 'tap'
import { fireTimersJob } from './checkout/fire-timers.job.ts'
import { confirmed, eur, open } from './test-bench.ts'

// What happens to an order after it was paid.
file.setTimeout(120_000)
file.jobs = 3

test('goods are shipped and delivered, and the last one completes the order', async t => {
  const bench = await open(t)
  const { orderId, headers } = await confirmed(bench)
  const url = `/v1/orders/${orderId}/fulfillments`
  const ship = (quantity: number, caller = bench.admin) =>
    bench.post(url, { lines: [{ lineNo: 1, quantity }], trackingCode: 'T-1' }, caller)
  t.equal(problemOf(await ship(1, headers)).code, 'auth.role_missing')
  const first = await ship(1)
  t.equal(first.statusCode, 201, first.body)
  t.equal(problemOf(await ship(2)).code, 'orders.units_not_left')
  const second = await ship(1)
  const cancelled = await bench.post(`/v1/orders/${orderId}/cancel`, {}, headers)
  t.equal(problemOf(cancelled).code, 'orders.line_shipped')
  for (const parcel of [first, second, second]) {
    const delivered = await bench.app.inject({
      method: 'POST',
      url: `/v1/fulfillments/${parcel.json().id}/deliver`,
      headers: bench.admin,
    })
    t.equal(delivered.statusCode, 200, delivered.body)
    t.ok(delivered.json().deliveredAt)
  }
  const order = await bench.orderIn(headers, orderId, 'completed')
  t.match(order.lines, [{ shippedCount: 2, deliveredCount: 2 }])
  t.same((await bench.emitted(orderId)).slice(-5), [
    'order_shipped',
    'order_shipped',
    'order_delivered',
    'order_delivered',
    'order_completed',
  ])
  const late = await bench.post(`/v1/orders/${orderId}/cancel`, {}, headers)
  t.same(
    problemOf(late).reasons?.map(({ code }) => code),
    ['orders.line_shipped', 'orders.line_delivered'],
  )
})

test('50 refunds at once never exceed what was captured', async t => {
  const bench = await open(t)
  const { orderId } = await confirmed(bench)
  const refund = () =>
    bench.post(`/v1/orders/${orderId}/refunds`, {
      lines: [{ lineNo: 1, amount: eur(100) }],
      reason: 'scratched',
    })
  const answers = await Promise.all(Array.from({ length: 50 }, refund))
  const accepted = answers.filter(({ statusCode }) => statusCode === 202)
  t.equal(accepted.length, 25)
  for (const answer of answers) {
    if (answer.statusCode !== 202) t.equal(problemOf(answer).code, 'orders.refund_exceeds_line')
  }
  const asked = (await bench.emitted(orderId)).filter(type => type === 'refund_requested')
  t.equal(asked.length, 25)
  const [row] = (
    await bench.postgres.read(tx => tx.execute(sql`select captured, refund_asked from orders`))
  ).rows
  t.match(row, { captured: 2_580, refund_asked: 2_500 })
})

test('a refund lists every reason against it', async t => {
  const bench = await open(t)
  const { orderId } = await confirmed(bench)
  const refused = await bench.post(`/v1/orders/${orderId}/refunds`, {
    lines: [
      { lineNo: 1, amount: eur(2_581) },
      { lineNo: 7, amount: eur(1) },
    ],
    reason: 'a mistake',
  })
  t.equal(refused.statusCode, 409)
  t.same(
    problemOf(refused).reasons?.map(({ code }) => code),
    ['orders.refund_exceeds_line', 'orders.line_unknown', 'orders.refund_exceeds_captured'],
  )
})

test('a refund is told once, a failed one is shown, asked again by staff and completes the order', async t => {
  const bench = await open(t)
  const { orderId, intentId, ref, headers } = await confirmed(bench)
  const made = await bench.post(`/v1/orders/${orderId}/refunds`, {
    lines: [{ lineNo: 1, amount: eur(2_580) }],
    reason: 'lost in the warehouse',
  })
  const refundId = asId<RefundId>(made.json().id)
  const about = { intentId, ref, refundId }
  await bench.publish(refundFailed.of({ ...about, code: 'provider_silent', final: true }))
  await eventually(async () => assert.ok((await bench.see(orderId)).stuckAt))
  const stuck = await bench.app.inject({ url: '/v1/sagas?stuck=true', headers: bench.admin })
  t.match(stuck.json().data, [{ orderId, state: 'confirmed' }])
  t.equal((await bench.post(`/v1/sagas/${orderId}/retry`, {})).statusCode, 202)
  const succeeded = refundSucceeded.of({ ...about, amount: eur(2_580) })
  await bench.publish(succeeded, succeeded)
  const order = await bench.orderIn(headers, orderId, 'completed')
  t.match(order, { refunded: eur(2_580), refunds: [{ id: refundId, state: 'succeeded' }] })
  await eventually(async () => {
    const { happenings } = await bench.see(orderId)
    assert.deepEqual(happenings.at(-1).isIgnored, true)
  })
  t.same((await bench.emitted(orderId)).slice(-6), [
    'order_confirmed',
    'refund_requested',
    'order_stuck',
    'refund_requested',
    'order_refunded',
    'order_completed',
  ])
  t.equal(
    problemOf(await bench.post(`/v1/sagas/${orderId}/retry`, {})).code,
    'orders.saga_nothing_to_ask',
  )
})

test('a lost dispute pays the order back', async t => {
  const bench = await open(t)
  const { orderId, intentId, ref, headers } = await confirmed(bench)
  const disputeId = newId<DisputeId>()
  const closed = { intentId, ref, disputeId, amount: eur(2_580) }
  await bench.publish(disputeClosed.of({ ...closed, outcome: 'lost' }))
  const order = await bench.orderIn(headers, orderId, 'completed')
  t.match(order, { refunded: eur(2_580), refunds: [{ id: disputeId, cause: 'dispute' }] })
})

test('staff stops an order with a reason, which the event tells', async t => {
  const bench = await open(t)
  const { orderId, headers, told } = await confirmed(bench)
  const stop = (caller?: Record<string, string>) =>
    bench.post(`/v1/sagas/${orderId}/compensate`, { reason: 'fraud' }, caller)
  t.equal(problemOf(await stop(headers)).code, 'auth.role_missing')
  t.equal((await stop()).statusCode, 202)
  t.equal(problemOf(await stop()).code, 'orders.already_cancelled')
  await bench.publish(told.released, told.voided)
  await bench.orderIn(headers, orderId, 'cancelled')
  const { rows } = await bench.postgres.read(tx =>
    tx.execute(sql`
      select payload from outbox where type like 'orders.order_cancelled%'
      union all select payload from outbox_archive where type like 'orders.order_cancelled%'`),
  )
  t.match(rows, [{ payload: { note: 'fraud', by: { type: 'user' } } }])
})

test('two jobs at once fire a timer once', async t => {
  const bench = await open(t, { DELIVERY_TIMEOUT_SECONDS: '1', TIMER_PERIOD_MS: '60000' })
  const { orderId } = await confirmed(bench)
  const timing = {
    reserveSeconds: 300,
    paymentSeconds: 900,
    commitSeconds: 600,
    captureSeconds: 600,
    captureGiveUpSeconds: 3_600,
    cancelSeconds: 600,
    courseSeconds: 900,
    courseGiveUpSeconds: 86_400,
    deliverySeconds: 1_000,
    refundSeconds: 86_400,
  }
  const metrics = createMetrics({ service: 'test' })
  const ignored = metrics.counter('saga_ignored_total', 'Test.', ['state', 'event'])
  const nothing = async (): Promise<void> => undefined
  const saga = { timing, ignored, closeReturn: nothing, returnCoupon: nothing }
  const job = fireTimersJob({ postgres: bench.postgres, saga }, 60_000)
  const now = new Date(Date.now() + 1_001_000)
  const run = () => job.run({ now, signal: AbortSignal.timeout(10_000) })
  await Promise.all([run(), run(), run()])
  const stuck = (await bench.emitted(orderId)).filter(type => type === 'order_stuck')
  t.equal(stuck.length, 1)
})
