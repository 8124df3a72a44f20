import { paymentDeclined } from '@campus/contracts/events/payments'
import { type AnyId, asId, type IntentId, type OrderId } from '@campus/contracts/ids'
import { newId } from '@campus/platform/new-id'
import { problemOf } from '@campus/platform/testing/problem'
import { t as file, test } from 'tap'
import { answers, buyer, confirmed, eur, open } from './test-bench.ts'

file.setTimeout(120_000)

const bench = await open(file)

interface Told {
  readonly code: string
  readonly at: string
  readonly data: Record<string, unknown>
}
const timeline = async (orderId: string, headers: Record<string, string>): Promise<Told[]> =>
  (await bench.app.inject({ url: `/v1/orders/${orderId}/timeline?limit=100`, headers })).json().data

test('a timeline tells the whole story in order: tries to pay, parcels, refunds', async t => {
  const { userId, headers } = buyer(bench)
  const { variantId } = await bench.sell(1_290)
  const placed = await bench.checkout(headers, await bench.cartWith(headers, variantId, 2))
  const orderId = asId<OrderId>(placed.json().id)
  const intentId = newId<IntentId>()
  const ref = { type: 'order' as const, id: asId<AnyId>(orderId) }
  const told = answers(orderId, userId, intentId, 2_580)
  const declined = { code: 'insufficient_funds' as const, retryable: true, attemptsLeftCount: 2 }
  await bench.publish(told.reserved, told.created)
  await bench.orderIn(headers, orderId, 'awaiting_payment')
  await bench.publish(paymentDeclined.of({ intentId, ref, ...declined }), told.authorized)
  await bench.orderIn(headers, orderId, 'committing')
  await bench.publish(told.committed)
  await bench.orderIn(headers, orderId, 'capturing')
  await bench.publish(told.captured)
  await bench.orderIn(headers, orderId, 'confirmed')
  const lines = [{ lineNo: 1, quantity: 1 }]
  const parcel = await bench.post(`/v1/orders/${orderId}/fulfillments`, {
    lines,
    trackingCode: 'T-1',
  })
  const fulfillmentId: string = parcel.json().id
  await bench.post(`/v1/fulfillments/${fulfillmentId}/deliver`, {})
  await bench.post(`/v1/orders/${orderId}/refunds`, {
    lines: [{ lineNo: 1, amount: eur(100) }],
    reason: 'scratched',
  })
  const entries = await timeline(orderId, headers)
  t.same(
    entries.map(({ code }) => code),
    [
      'order_placed',
      'payment_awaited',
      'payment_declined',
      'payment_authorized',
      'payment_captured',
      'order_confirmed',
      'order_shipped',
      'order_delivered',
      'refund_requested',
    ],
  )
  t.match(entries[0]?.data, { amount: eur(2_580) })
  t.match(entries[1]?.data, { payUntilAt: String })
  t.match(entries[2]?.data, { reason: 'insufficient_funds', attemptsLeft: 2 })
  t.match(entries[6]?.data, { fulfillmentId, lines, trackingCode: 'T-1' })
  t.match(entries[7]?.data, { fulfillmentId, lines })
  t.match(entries[8]?.data, { amount: eur(100), cause: 'staff' })
  const moments = entries.map(({ at }) => Date.parse(at))
  t.same(
    moments,
    moments.toSorted((a, b) => a - b),
  )
  t.same(await timeline(orderId, bench.admin), entries, 'staff reads the same')
})

test('a timeline tells why an order was given up, once, whatever is repeated', async t => {
  const { orderId, headers, told } = await confirmed(bench)
  const cancel = async () => bench.post(`/v1/orders/${orderId}/cancel`, {}, headers)
  await cancel()
  await cancel()
  await bench.publish(told.released, told.released, told.voided)
  await bench.orderIn(headers, orderId, 'cancelled')
  const ends = (await timeline(orderId, headers)).slice(-2)
  t.match(ends, [
    { code: 'cancellation_started', data: { cancelReason: 'cancelled_by_customer' } },
    { code: 'order_cancelled', data: { cancelReason: 'cancelled_by_customer', amount: eur(0) } },
  ])
})

test('a timeline is for the owner of the order and for staff, page by page', async t => {
  const { orderId, headers } = await confirmed(bench)
  const url = `/v1/orders/${orderId}/timeline`
  const hidden = await bench.app.inject({ url, headers: buyer(bench).headers })
  t.equal(hidden.statusCode, 404)
  const all = await timeline(orderId, headers)
  const seen: Told[] = []
  for (let next: string | null = ''; next !== null; ) {
    const cursor: string = next === '' ? '' : `&cursor=${next}`
    const page = await bench.app.inject({ url: `${url}?limit=2${cursor}`, headers })
    seen.push(...page.json().data)
    next = page.json().page.next
  }
  t.same(seen, all)
  const first = await bench.app.inject({ url: `${url}?limit=2`, headers })
  const foreign = await bench.app.inject({
    url: `${url}?cursor=${first.json().page.next}`,
    headers: bench.admin,
  })
  t.equal(problemOf(foreign).code, 'request.cursor_invalid')
})
