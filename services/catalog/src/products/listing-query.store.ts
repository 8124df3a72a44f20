import { type SQL, sql } from 'drizzle-orm'
import { type ListingFilter, type ListPage, type Sort, tsqueryOf } from './listing.ts'

// How lists are read. Matches may be many or few, and together (blue and large) far fewer than each alone
// lets expect, so no single plan is good: walking along the index of the sort until a page is full is best
// for many matches and reads the whole shop for few; collecting all matches by their own indexes and
// sorting them is best for few. A page is therefore looked for in the part of the shop that comes next in
// the order of the sort, which has a bound, and only when it is not full there, among all matches.

/** Products that a page looks at in the order of its sort. */
const aheadMax = 2_000
/** Products among which the most popular matches are looked for first. */
const popularMax = 5_000
/** Search ranks so many matches, the most popular ones; nobody turns pages beyond. */
const rankedMax = 500
/** Facets count so many matches, the most popular ones. */
export const countedMax = 500
/** Values of attributes that are counted, the most frequent ones. */
const valuesMax = 200

const columns = sql`product_id, slug, title, kind, category_id, amount, currency, in_stock`

/** What the rows of a list are ordered by, each with the id as the last word. */
const orders = {
  newest: { position: sql`null`, by: sql`product_id desc` },
  popular: { position: sql`popularity`, by: sql`popularity desc, product_id desc` },
  price: { position: sql`amount`, by: sql`amount, product_id` },
  '-price': { position: sql`amount`, by: sql`amount desc, product_id desc` },
  relevance: { position: sql`position`, by: sql`position desc, product_id desc` },
} as const satisfies Record<Sort, unknown>

/** A page among what comes next in the shop; undefined where only the matches have the order. */
export function aheadQuery(filter: ListingFilter, { sort, after, max }: ListPage): SQL | undefined {
  if (sort === 'relevance') return undefined
  const { position, by } = orders[sort]
  return sql`select ${columns}, ${position} as position
    from (select * from listing where ${isBehind(sort, after)} order by ${by} limit ${aheadMax}) ahead
    where ${matches(filter)} order by ${by} limit ${max}`
}

/** A page among all matches. */
export function wholeQuery(filter: ListingFilter, { sort, after, max }: ListPage): SQL {
  const { position, by } = orders[sort]
  if (sort === 'relevance') {
    return sql`select ${columns}, position from (
        select ${columns}, ts_rank(search, ${tsquery(filter)})::float8 as position
        from (${popularMatches(filter, rankedMax)}) hits) ranked
      where ${isBehind(sort, after)} order by ${by} limit ${max}`
  }
  // Without `offset 0` Postgres may walk along the index of the sort after all.
  return sql`select ${columns}, ${position} as position
    from (select * from listing where ${matches(filter)} and ${isBehind(sort, after)} offset 0) found
    order by ${by} limit ${max}`
}

/** Counts of the matches; see `FacetCounts`. */
export function facetQuery(filter: ListingFilter): SQL {
  return sql`
    with hits as materialized (${popularMatches(filter, countedMax + 1)}), counts as (
      select 'attribute' as kind, a.key as name, a.value, count(*) as count
      from hits, jsonb_each_text(hits.attributes) a group by a.key, a.value
    )
    select 'all' as kind, null as name, null as value, count(*) as count,
      count(*) filter (where in_stock) as in_stock, min(amount) as low, max(amount) as high
    from hits
    union all select 'category', category_id::text, null, count(*), null, null, null
    from hits where category_id is not null group by category_id
    union all (select kind, name, value, count, null, null, null from counts
      order by count desc, name, value limit ${valuesMax})`
}

/** The most popular matches: among the most popular products, or else among all matches. */
function popularMatches(filter: ListingFilter, max: number): SQL {
  const { by } = orders.popular
  return sql`
    with near as materialized (
      select * from (select * from listing order by ${by} limit ${popularMax}) popular
      where ${matches(filter)} order by ${by} limit ${max}
    )
    select * from near where (select count(*) from near) = ${max}
    union all (
      select * from (select * from listing where ${matches(filter)} offset 0) found
      where (select count(*) from near) < ${max} order by ${by} limit ${max})`
}

function isBehind(sort: Sort, after: ListPage['after']): SQL {
  if (after === undefined) return sql`true`
  const { value, productId } = after
  if (sort === 'newest') return sql`product_id < ${productId}::uuid`
  const direction = sort === 'price' ? sql`>` : sql`<`
  return sql`(${orders[sort].position}, product_id) ${direction} (${value}, ${productId}::uuid)`
}

function matches(filter: ListingFilter): SQL {
  const { words, categoryIds, minAmount, maxAmount, inStock, attributes } = filter
  const parts = [
    words === undefined ? [] : sql`search @@ ${tsquery(filter)}`,
    categoryIds === undefined ? [] : sql`category_id = any(${sql.param([...categoryIds])}::uuid[])`,
    minAmount === undefined ? [] : sql`amount >= ${minAmount}`,
    maxAmount === undefined ? [] : sql`amount <= ${maxAmount}`,
    inStock ? sql`in_stock` : [],
    Object.keys(attributes).length === 0
      ? []
      : sql`attributes @> ${JSON.stringify(attributes)}::jsonb`,
  ].flat()
  return parts.length === 0 ? sql`true` : sql.join(parts, sql` and `)
}

function tsquery({ words }: ListingFilter): SQL {
  return sql`to_tsquery('simple', ${tsqueryOf(words ?? [])})`
}
