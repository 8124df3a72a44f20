import { addressRemoved, addressSaved } from '@campus/contracts/events/users'
import type { AddressId } from '@campus/contracts/ids'
import { newId } from '@campus/platform/new-id'
import { problemOf } from '@campus/platform/testing/problem'
import { t as file, test } from 'tap'
import { buyer, open } from '../test-bench.ts'

file.setTimeout(60_000)

type Bench = Awaited<ReturnType<typeof open>>

async function checkoutTo(
  bench: Bench,
  who: { readonly headers: Record<string, string> },
  variantId: Parameters<Bench['cartWith']>[1],
  addressId: string,
) {
  const cart = await bench.cartWith(who.headers, variantId, 1)
  return bench.app.inject({
    method: 'POST',
    url: `/v1/carts/${cart.id}/checkout`,
    headers: { ...who.headers, 'if-match': cart.etag, 'idempotency-key': newId() },
    payload: { expectedTotal: cart.total, addressId },
  })
}

test('checkout takes an address of the buyer, also one that was saved a moment ago, and no other', async t => {
  const bench = await open(t)
  const { variantId } = await bench.sell(1_290)
  const [ada, bo] = [buyer(bench), buyer(bench)]
  const addressId = newId<AddressId>()
  const saved = bench.publish(addressSaved.of({ userId: ada.userId, addressId, zone: 'DE' }))
  const placed = await checkoutTo(bench, ada, variantId, addressId)
  await saved
  t.equal(placed.statusCode, 202, placed.body)
  const { headers } = ada
  const seen = await bench.app.inject({ url: `/v1/orders/${placed.json().id}`, headers })
  t.equal(seen.json().addressId, addressId)

  const [foreign, unknown] = await Promise.all([
    checkoutTo(bench, bo, variantId, addressId),
    checkoutTo(bench, ada, variantId, newId()),
  ])
  t.match(problemOf(foreign), { status: 422, code: 'orders.address_unknown' })
  t.equal(problemOf(unknown).code, 'orders.address_unknown')
})

test('an address that was removed cannot be chosen', async t => {
  const bench = await open(t)
  const { variantId } = await bench.sell(1_290)
  const ada = buyer(bench)
  const addressId = newId<AddressId>()
  const ids = { userId: ada.userId, addressId }
  const later = newId<AddressId>()
  await bench.publish(
    addressSaved.of({ ...ids, zone: 'DE' }),
    addressRemoved.of(ids),
    addressSaved.of({ ...ids, addressId: later, zone: 'DE' }),
  )
  // Once the one behind it can be chosen, the removal has arrived.
  t.equal((await checkoutTo(bench, ada, variantId, later)).statusCode, 202)
  const refused = await checkoutTo(bench, ada, variantId, addressId)
  t.equal(problemOf(refused).code, 'orders.address_unknown')
})
