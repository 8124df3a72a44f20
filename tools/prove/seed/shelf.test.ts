import { test } from 'tap'
import { cast } from './cast.ts'
import { stories } from './orders.ts'
import { type CategoryPlan, categories, products } from './shelf.ts'

function flat(plans: readonly CategoryPlan[], depth = 1): { slug: string; depth: number }[] {
  return plans.flatMap(({ slug, children = [] }) => [{ slug, depth }, ...flat(children, depth + 1)])
}

test('the shelf has about forty products in a tree of three levels, each with a slug of its own', async t => {
  const tree = flat(categories)
  t.equal(Math.max(...tree.map(({ depth }) => depth)), 3)
  t.ok(products.length >= 38 && products.length <= 44, `${products.length}`)
  const slugs = [...tree, ...products].map(({ slug }) => slug)
  t.equal(new Set(slugs).size, slugs.length)
  const skus = products.flatMap(({ slug, variants }) =>
    variants.map(({ label }) => `${slug}-${label}`.toUpperCase()),
  )
  t.equal(new Set(skus).size, skus.length)
  for (const sku of skus) t.match(sku, /^[A-Z0-9][A-Z0-9._-]{0,63}$/)
  for (const { category, title } of products) {
    t.ok(
      tree.some(({ slug }) => slug === category),
      `${title} in ${category}`,
    )
  }
})

test('one product is sold out, one is a draft, one is archived', async t => {
  const soldOut = products.filter(({ variants }) => variants.every(({ units }) => units === 0))
  t.same(
    soldOut.map(({ slug }) => slug),
    ['desk-lamp'],
  )
  t.same(products.flatMap(({ end }) => end ?? []).toSorted(), ['archived', 'draft'])
})

test('a buyer orders a product once, because that is how the order is found again', async t => {
  const pairs = stories.map(({ buyer, slug }) => `${buyer} ${slug}`)
  t.equal(new Set(pairs).size, pairs.length)
  for (const { slug, buyer } of stories) {
    t.ok(
      products.some(product => product.slug === slug && product.end === undefined),
      slug,
    )
    t.ok(cast[buyer].email)
  }
})
