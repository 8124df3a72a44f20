import { asId, type PriceId, type ProductId, type VariantId } from '@campus/contracts/ids'
import { test } from 'tap'
import { priceFrom, pricesChangeAt, searchTextOf, tsqueryOf, wordsOf } from './listing.ts'
import { weightOf } from './popularity.ts'
import type { Price, Product } from './product.ts'

const id = '0193a1c0-0000-7000-8000-000000000011'
const day = (n: number) => new Date(Date.UTC(2026, 0, n))

function price(amount: number, from: number, to?: number): Price {
  return {
    id: asId<PriceId>(id),
    price: { amount, currency: 'EUR' },
    validFrom: day(from),
    validTo: to === undefined ? null : day(to),
  }
}

function mug(...prices: Price[][]): Product {
  return {
    id: asId<ProductId>(id),
    slug: 'mug',
    title: 'Café Mug',
    description: 'Holds 0.3 l.',
    kind: 'physical',
    categoryId: null,
    attributes: { colour: 'Deep blue' },
    popularity: 0,
    sellerId: null,
    state: 'published',
    version: 1,
    variants: prices.map((own, n) => ({
      id: asId<VariantId>(id),
      sku: `MUG-${n}`,
      label: 'small',
      tracked: true,
      courseId: null,
      prices: own,
    })),
  }
}

test('words are found without accents, capitals and signs, and letters of every script are letters', async t => {
  t.same(wordsOf('Café — CRÈME_brûlée, 0.3 l'), ['cafe', 'creme', 'brulee', '0', '3', 'l'])
  t.same(wordsOf('Über Ψυχή 東京'), ['uber', 'ψυχη', '東京'])
  t.same(wordsOf("%\\' :*&|!()"), [])
})

test('a query asks for all words, each perhaps unfinished, and cannot carry operators', async t => {
  t.equal(tsqueryOf(wordsOf('blue mu')), 'blue:* & mu:*')
  t.equal(tsqueryOf(wordsOf("b | !x & 'y'")), 'b & x & y')
  t.equal(tsqueryOf([]), '')
})

test('a product is found by title, attributes, labels, SKUs and description, in this order', async t => {
  t.same(searchTextOf(mug([])), {
    a: 'cafe mug',
    b: 'deep blue small mug 0',
    c: 'holds 0 3 l',
  })
})

test('the price in a list is the lowest of the moment, and changes when one begins or ends', async t => {
  const product = mug([price(900, 1, 10), price(700, 10)], [price(800, 5, 8)])
  const lowest = (at: Date) => priceFrom(product, at)?.amount
  t.same([1, 5, 8, 10].map(day).map(lowest), [900, 800, 900, 700])
  t.equal(lowest(new Date(0)), undefined)
  t.same(
    [1, 5, 8, 10].map(day).map(at => pricesChangeAt(product, at)),
    [day(5), day(8), day(10), null],
  )
})

test('a sale of today outweighs one of a week ago by two, for many years', async t => {
  t.equal(weightOf(day(8)) / weightOf(day(1)), 2)
  t.ok(Number.isFinite(weightOf(new Date('2045-01-01'))))
})
