import { asId, type CategoryId, type ProductId } from '@campus/contracts/ids'
import type { Tx } from '@campus/platform/data/postgres'
import { eq, type SQL, sql } from 'drizzle-orm'
import { listing, product } from '../schema.ts'
import {
  type FacetCounts,
  type Listing,
  type ListingFilter,
  priceFrom,
  pricesChangeAt,
  type Sort,
  searchTextOf,
  tsqueryOf,
} from './listing.ts'
import type { Product } from './product.ts'

/** Search ranks so many matches, the most popular ones; nobody turns pages beyond. */
const rankedMax = 1_000
/** Facets count so many matches, the most popular ones. */
const countedMax = 1_000
/** Values of attributes that are counted, the most frequent ones. */
const valuesMax = 200

/** Makes the listing of a product, which is locked, what it should be at `now`. */
export async function relist(tx: Tx, found: Product, now: Date): Promise<void> {
  const { id, slug, title, kind, categoryId, attributes, popularity } = found
  await tx
    .update(product)
    .set({ pricesChangeAt: pricesChangeAt(found, now) })
    .where(eq(product.id, id))
  const price = priceFrom(found, now)
  if (found.state !== 'published' || price === undefined) {
    await tx.delete(listing).where(eq(listing.productId, id))
    return
  }
  const { a, b, c } = searchTextOf(found)
  await tx.execute(sql`
    insert into listing (product_id, slug, title, kind, category_id, attributes, amount, currency,
      in_stock, popularity, search)
    values (${id}, ${slug}, ${title}, ${kind}, ${categoryId}, ${JSON.stringify(attributes)}::jsonb,
      ${price.amount}, ${price.currency}, ${isInStock(sql`${id}::uuid`)}, ${popularity},
      setweight(to_tsvector('simple', ${a}), 'A') || setweight(to_tsvector('simple', ${b}), 'B')
        || setweight(to_tsvector('simple', ${c}), 'C'))
    on conflict (product_id) do update set slug = excluded.slug, title = excluded.title,
      category_id = excluded.category_id, attributes = excluded.attributes, amount = excluded.amount,
      currency = excluded.currency, in_stock = excluded.in_stock, popularity = excluded.popularity,
      search = excluded.search`)
}

/** Whether a unit of a product can be had; a variant without stock never runs out. */
function isInStock(productId: SQL): SQL {
  return sql`exists (select from variant v left join stock s on s.variant_id = v.id
    where v.product_id = ${productId} and (not v.tracked or s.on_hand > s.reserved))`
}

/** Adds what was sold to the popularity of products. */
export async function addPopularity(tx: Tx, sold: ReadonlyMap<ProductId, number>): Promise<void> {
  if (sold.size === 0) return
  const sorted = [...sold].toSorted(([one], [other]) => (one < other ? -1 : 1))
  const ids = sql.param(sorted.map(([id]) => id))
  const rows = sql`unnest(${ids}::uuid[],
    ${sql.param(sorted.map(([, weight]) => weight))}::float8[]) sold(product_id, weight)`
  // Products before listings and in the order of ids, as everybody takes these locks.
  await tx.execute(sql`select from product where id = any(${ids}::uuid[]) order by id for update`)
  await tx.execute(sql`update product set popularity = popularity + sold.weight
    from ${rows} where product.id = sold.product_id`)
  await tx.execute(sql`update listing set popularity = popularity + sold.weight
    from ${rows} where listing.product_id = sold.product_id`)
}

/** Products whose prices have changed by themselves, locked. */
export async function lockPricesChanged(tx: Tx, now: Date, max: number): Promise<ProductId[]> {
  const { rows } = await tx.execute<{ id: string }>(sql`
    select id from product where prices_change_at <= ${now.toISOString()}
    order by prices_change_at limit ${max} for update skip locked`)
  return rows.map(({ id }) => asId<ProductId>(id))
}

/** A row of a list, with what its place in the list depends on. */
export interface ListedRow extends Listing {
  readonly position: number | null
}

/** Where a page begins: behind this row. */
export interface Position {
  /** The value of the sort; null when the id is the sort. */
  readonly value: number | null
  readonly productId: ProductId
}

/** A page of a list, from behind `after` on. */
export async function listings(
  tx: Tx,
  filter: ListingFilter,
  page: { readonly sort: Sort; readonly after: Position | undefined; readonly max: number },
): Promise<ListedRow[]> {
  const { rows } = await tx.execute<{
    product_id: string
    slug: string
    title: string
    kind: 'physical' | 'course'
    category_id: string | null
    amount: number
    currency: string
    in_stock: boolean
    position: number | null
  }>(listQuery(filter, page))
  return rows.map(row => ({
    productId: asId<ProductId>(row.product_id),
    slug: row.slug,
    title: row.title,
    kind: row.kind,
    categoryId: row.category_id === null ? null : asId<CategoryId>(row.category_id),
    priceFrom: { amount: row.amount, currency: row.currency },
    inStock: row.in_stock,
    position: row.position,
  }))
}

const columns = sql`product_id, slug, title, kind, category_id, amount, currency, in_stock`

/** The statement of {@link listings}; its plan has a test. */
export function listQuery(
  filter: ListingFilter,
  { sort, after, max }: Parameters<typeof listings>[2],
): SQL {
  const isBehind = (order: SQL, direction: '<' | '>') =>
    after === undefined
      ? sql`true`
      : sql`(${order}, product_id) ${sql.raw(direction)} (${after.value}, ${after.productId}::uuid)`
  switch (sort) {
    case 'newest':
      return sql`select ${columns}, null as position from listing
        where ${matches(filter)}
          and ${after === undefined ? sql`true` : sql`product_id < ${after.productId}::uuid`}
        order by product_id desc limit ${max}`
    case 'popular':
      return sql`select ${columns}, popularity as position from listing
        where ${matches(filter)} and ${isBehind(sql`popularity`, '<')}
        order by popularity desc, product_id desc limit ${max}`
    case 'price':
      return sql`select ${columns}, amount as position from listing
        where ${matches(filter)} and ${isBehind(sql`amount`, '>')}
        order by amount, product_id limit ${max}`
    case '-price':
      return sql`select ${columns}, amount as position from listing
        where ${matches(filter)} and ${isBehind(sql`amount`, '<')}
        order by amount desc, product_id desc limit ${max}`
    case 'relevance':
      return sql`select ${columns}, position from (
          select ${columns}, ts_rank(search, ${tsquery(filter)})::float8 as position
          from (select * from listing where ${matches(filter)}
            order by popularity desc, product_id desc limit ${rankedMax}) hits) ranked
        where ${isBehind(sql`position`, '<')}
        order by position desc, product_id desc limit ${max}`
  }
}

/** Counts the matches of a filter. */
export async function facets(tx: Tx, filter: ListingFilter): Promise<FacetCounts> {
  const { rows } = await tx.execute<{
    kind: 'all' | 'category' | 'attribute'
    name: string | null
    value: string | null
    count: number
    in_stock: number | null
    low: number | null
    high: number | null
  }>(facetQuery(filter))
  const all = rows.find(({ kind }) => kind === 'all')
  const attributes: Record<string, { value: string; count: number }[]> = {}
  for (const { kind, name, value, count } of rows) {
    if (kind !== 'attribute' || name === null || value === null) continue
    attributes[name] = [...(attributes[name] ?? []), { value, count }]
  }
  const counted = all?.count ?? 0
  return {
    categories: rows
      .filter(({ kind, name }) => kind === 'category' && name !== null)
      .map(({ name, count }) => ({ id: asId<CategoryId>(name ?? ''), count })),
    attributes,
    inStock: all?.in_stock ?? 0,
    minAmount: all?.low ?? null,
    maxAmount: all?.high ?? null,
    counted: Math.min(counted, countedMax),
    isPartial: counted > countedMax,
  }
}

/** The statement of {@link facets}; its plan has a test. */
export function facetQuery(filter: ListingFilter): SQL {
  return sql`
    with hits as materialized (
      select category_id, attributes, amount, in_stock from listing where ${matches(filter)}
      order by popularity desc, product_id desc limit ${countedMax + 1}
    ), counts as (
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

/** A category and everything below it; nothing when it is unknown. */
export async function categoryIdsBelow(tx: Tx, id: CategoryId): Promise<CategoryId[]> {
  const { rows } = await tx.execute<{ id: string }>(sql`
    with recursive tree as (
      select id from category where id = ${id}
      union select c.id from category c join tree on c.parent_id = tree.id)
    select id from tree`)
  return rows.map(row => asId<CategoryId>(row.id))
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
