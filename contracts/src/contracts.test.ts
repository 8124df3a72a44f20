import { test } from 'tap'
import { asId, type UserId } from './ids.ts'
import { add, apportion, equals, type Money, multiply, subtract, sum } from './money.ts'
import { prefixes, serviceNames, serviceOf } from './prefixes.ts'
import { holdSeconds, paymentSeconds } from './timing.ts'

const eur = (amount: number): Money => ({ amount, currency: 'EUR' })

test('shares of an amount sum up to it, follow their weights, and give odd cents to who lost most', async t => {
  t.same(apportion(100, [1, 1, 1]), [34, 33, 33])
  t.same(apportion(10, [1, 2, 4]), [1, 3, 6])
  t.same(apportion(5, [0, 10, 0]), [0, 5, 0])
  t.same(apportion(0, [0, 0]), [0, 0])
  const large = [9_007_199_254_740_000, 991]
  t.same(apportion(9_007_199_254_740_991, large), large, 'beyond what a number multiplies exactly')
  t.throws(() => apportion(1, [0, 0]), RangeError)
})

test('money adds in minor units of one currency and never loses a cent', async t => {
  t.same(add(eur(1), eur(2)), eur(3))
  t.same(subtract(eur(1), eur(2)), eur(-1))
  t.same(multiply(eur(333), 3), eur(999))
  t.same(sum([], 'EUR'), eur(0))
  t.notOk(equals(eur(1), { amount: 1, currency: 'USD' }))
  t.throws(() => add(eur(1), { amount: 1, currency: 'USD' }), RangeError)
  t.throws(() => multiply(eur(Number.MAX_SAFE_INTEGER), 2), RangeError)
})

test('only a canonical UUID is an id', async t => {
  const text = '0193a1c0-0000-7000-8000-000000000001'
  t.equal(asId<UserId>(text), text)
  for (const wrong of ['', 'x', text.toUpperCase(), `${text} `, text.slice(1)]) {
    t.throws(() => asId<UserId>(wrong), TypeError, wrong)
  }
})

test('no prefix belongs to two services, and the longest one wins by whole segments', async t => {
  const all = serviceNames.flatMap(service => prefixes[service])
  t.equal(new Set(all).size, all.length)
  t.equal(serviceOf('/v1/me'), 'users')
  t.equal(serviceOf('/v1/me/cart'), 'orders')
  t.equal(serviceOf('/v1/me/cart/x'), 'orders')
  t.equal(serviceOf('/v1/me/carts'), 'users')
  t.equal(serviceOf('/v1/men'), undefined)
  t.equal(serviceOf('/'), undefined)
})

test('stock is held at least 5 minutes longer than a buyer may take to pay', async t => {
  t.ok(holdSeconds >= paymentSeconds + 300)
})
