import { asId, type CategoryId, type ProductId } from '@campus/contracts/ids'
import type { Tx } from '@campus/platform/data/postgres'
import { eq, type SQL, sql } from 'drizzle-orm'
import { listing, product } from '../schema.ts'
import {
  type FacetCounts,
  type Listing,
  type ListingFilter,
  type ListPage,
  priceFrom,
  pricesChangeAt,
  searchTextOf,
} from './listing.ts'
import { aheadQuery, countedMax, facetQuery, wholeQuery } from './listing-query.store.ts'
import type { Product } from './product.ts'

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

interface Row extends Record<string, unknown> {
  readonly product_id: string
  readonly slug: string
  readonly title: string
  readonly kind: 'physical' | 'course'
  readonly category_id: string | null
  readonly amount: number
  readonly currency: string
  readonly in_stock: boolean
  readonly position: number | null
}

/** A page of a list, from behind `after` on. */
export async function listings(
  tx: Tx,
  filter: ListingFilter,
  page: ListPage,
): Promise<ListedRow[]> {
  const ahead = aheadQuery(filter, page)
  const near = ahead === undefined ? [] : (await tx.execute<Row>(ahead)).rows
  const isFull = near.length === page.max
  const rows = isFull ? near : (await tx.execute<Row>(wholeQuery(filter, page))).rows
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

/** A category and everything below it; nothing when it is unknown. */
export async function categoryIdsBelow(tx: Tx, id: CategoryId): Promise<CategoryId[]> {
  const { rows } = await tx.execute<{ id: string }>(sql`
    with recursive tree as (
      select id from category where id = ${id}
      union select c.id from category c join tree on c.parent_id = tree.id)
    select id from tree`)
  return rows.map(row => asId<CategoryId>(row.id))
}
