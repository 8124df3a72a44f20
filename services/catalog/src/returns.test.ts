import assert from 'node:assert/strict'
import { returnReceived } from '@campus/contracts/events/orders'
import type { OrderId, ReturnId, VariantId } from '@campus/contracts/ids'
import { newId } from '@campus/platform/new-id'
import { eventually } from '@campus/platform/testing/eventually'
import { sql } from 'drizzle-orm'
import { t as file, test } from 'tap'
import { openCatalog, order } from './test-bench.ts'

file.setTimeout(120_000)

/** What arrived of one line: so many units that can be sold again, and so many that cannot. */
function received(orderId: OrderId, variantId: VariantId, good: number, broken: number) {
  const returnId = newId<ReturnId>()
  const lines = [
    { lineNo: 1, variantId, quantity: good, restock: true },
    { lineNo: 1, variantId, quantity: broken, restock: false },
  ].filter(({ quantity }) => quantity > 0)
  return returnReceived.of({ orderId, returnId, lines })
}

test('returned units that can be sold again are on the shelf, once a return, and others are not', async t => {
  const bench = await openCatalog(t)
  const item = await bench.offer(5)
  const { orderId, placed, commit } = order(item, 4)
  await bench.publish(placed, commit)
  await bench.answered(orderId, 2)
  t.same(await bench.stockOf(item.variantId), { onHand: 1, reserved: 0 })

  const onHand = async (count: number) =>
    eventually(async () => assert.equal((await bench.stockOf(item.variantId)).onHand, count))
  const [record] = await bench.publish(received(orderId, item.variantId, 1, 1))
  await onHand(2)
  if (record) await bench.republish(record)
  await bench.publish(received(orderId, item.variantId, 1, 0))
  await onHand(3)
  const { rows } = await bench.postgres.read(tx =>
    tx.execute(sql`select delta, reason from movement where reason = 'return'`),
  )
  t.same(rows, [
    { delta: 1, reason: 'return' },
    { delta: 1, reason: 'return' },
  ])
})

test('no more comes back than was sold, and nothing for an order that holds none', async t => {
  const bench = await openCatalog(t)
  const item = await bench.offer(5)
  const sold = order(item, 1)
  const never = newId<OrderId>()
  await bench.publish(sold.placed, sold.commit)
  await bench.answered(sold.orderId, 2)
  await bench.publish(received(never, item.variantId, 1, 0))
  await bench.publish(received(sold.orderId, item.variantId, 3, 0))
  await eventually(async () => {
    assert.deepEqual(await bench.stockOf(item.variantId), { onHand: 5, reserved: 0 })
  })
  const next = order(item, 5)
  await bench.publish(next.placed)
  t.same(await bench.answered(next.orderId, 1), ['stock_reserved'])
  t.same(await bench.stockOf(item.variantId), { onHand: 5, reserved: 5 })
})
