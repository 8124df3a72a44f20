import { asId, type CartId, type PriceId, type VariantId } from '@campus/contracts/ids'
import { test } from 'tap'
import type { Offer } from '../assortment/offer.ts'
import {
  type Cart,
  cartLinesMax,
  merged,
  priced,
  quantityMax,
  type Strategy,
  totalOf,
  withQuantity,
} from './cart.ts'

const id = (n: number) => `0193a1c0-0000-7000-8000-${String(n).padStart(12, '0')}`
const mug = asId<VariantId>(id(1))
const book = asId<VariantId>(id(2))
const eur = (amount: number) => ({ amount, currency: 'EUR' })
const offer = (variantId: VariantId, unitPrice = eur(1_290)): Offer => ({
  variantId,
  priceId: asId<PriceId>(id(9)),
  title: 'Mug',
  kind: 'physical',
  courseId: null,
  sellerId: null,
  unitPrice,
})
const cart: Cart = {
  id: asId<CartId>(id(3)),
  userId: null,
  state: 'open',
  version: 1,
  coupon: null,
  lines: [],
}

test('setting a quantity replaces it, and 0 takes the line out', async t => {
  const one = withQuantity(cart.lines, mug, 1)
  t.same(withQuantity(one, mug, 5), [{ variantId: mug, quantity: 5 }])
  t.same(withQuantity(one, mug, 0), [])
})

test('a full cart refuses another variant but not another quantity', async t => {
  const full = Array.from({ length: cartLinesMax }, (_, i) => ({
    variantId: asId<VariantId>(id(100 + i)),
    quantity: 1,
  }))
  t.throws(() => withQuantity(full, mug, 1), { code: 'orders.cart_full' })
  t.equal(withQuantity(full, asId<VariantId>(id(100)), 2).length, cartLinesMax)
})

const merges: readonly [Strategy, number[]][] = [
  ['sum', [5, 1]],
  ['max', [3, 1]],
  ['keepUser', [3]],
  ['keepGuest', [2, 1]],
]
for (const [strategy, quantities] of merges) {
  test(`claiming with ${strategy} gives quantities ${quantities.join(' and ')}`, async t => {
    const ofUser = [{ variantId: mug, quantity: 3 }]
    const ofGuest = [
      { variantId: mug, quantity: 2 },
      { variantId: book, quantity: 1 },
    ]
    t.same(
      merged(ofUser, ofGuest, strategy).map(line => line.quantity),
      quantities,
    )
  })
}

test('a summed quantity stays within the limit of a line', async t => {
  const many = [{ variantId: mug, quantity: quantityMax }]
  t.equal(merged(many, many, 'sum')[0]?.quantity, quantityMax)
})

test('a line that is not for sale costs nothing and is shown as such', async t => {
  const lines = priced(
    [
      { variantId: mug, quantity: 2 },
      { variantId: book, quantity: 1 },
    ],
    new Map([[mug, offer(mug)]]),
  )
  t.same(totalOf(lines), eur(2_580))
  t.equal(lines[1]?.offer, null)
})

test('two currencies in one cart are refused', async t => {
  const lines = priced(
    [
      { variantId: mug, quantity: 1 },
      { variantId: book, quantity: 1 },
    ],
    new Map([
      [mug, offer(mug)],
      [book, offer(book, { amount: 5, currency: 'USD' })],
    ]),
  )
  t.throws(() => totalOf(lines), { code: 'orders.currency_mixed' })
})
