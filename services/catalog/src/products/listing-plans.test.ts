// How Postgres reads the lists of a shop with 100,000 products: by an index each time, whatever is asked for,
// and whether it plans for the values at hand or for any.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { asId, type CategoryId, type ProductId } from '@campus/contracts/ids'
import { createPostgres, type Tx } from '@campus/platform/data/postgres'
import { createTestDatabase } from '@campus/platform/testing/database'
import { type SQL, sql } from 'drizzle-orm'
import { t as file, test } from 'tap'
import { categoryIdsBelow } from './listing.store.ts'
import { type ListingFilter, type ListPage, sorts } from './listing.ts'
import { aheadQuery, facetQuery, wholeQuery } from './listing-query.store.ts'

file.setTimeout(180_000)

const nothing: ListingFilter = {
  words: undefined,
  categoryIds: undefined,
  minAmount: undefined,
  maxAmount: undefined,
  inStock: false,
  attributes: {},
}
const after = {
  value: 20_000,
  productId: asId<ProductId>('0193a1c0-0000-7800-8000-000000008800'),
}
const category = asId<CategoryId>('0193a1c0-0000-7000-9000-000000000001')
/** Rows that a page may cost at most, the ones that are thrown away included. */
const rowsMax = 20_000

interface Plan {
  readonly 'Node Type': string
  readonly 'Relation Name'?: string
  readonly 'Actual Rows': number
  readonly 'Actual Loops': number
  readonly 'Rows Removed by Filter'?: number
  readonly Plans?: readonly Plan[]
}

/** Every step of a plan that reads `listing`. */
function readsOf(plan: Plan): Plan[] {
  // What turned out not to be needed was not done.
  if (plan['Actual Loops'] === 0) return []
  const below = (plan.Plans ?? []).flatMap(readsOf)
  return plan['Relation Name'] === 'listing' ? [plan, ...below] : below
}

/** Statements that come often are planned once for any values. */
const modes = ['force_custom_plan', 'force_generic_plan'] as const

async function explain(tx: Tx, query: SQL, mode: (typeof modes)[number]): Promise<Plan[]> {
  await tx.execute(sql.raw(`set local plan_cache_mode = ${mode}`))
  const { rows } = await tx.execute<{ 'QUERY PLAN': { Plan: Plan }[] }>(
    sql`explain (analyze, format json) ${query}`,
  )
  return rows[0]?.['QUERY PLAN'].flatMap(({ Plan }) => readsOf(Plan)) ?? []
}

test('no list, search or facet reads the whole shop', async t => {
  const { adminUrl, postgres } = await createTestDatabase(t, {
    service: 'catalog',
  })
  // The service itself may not analyse its tables.
  const admin = createPostgres({
    url: adminUrl,
    max: 1,
    applicationName: 'seed',
    statementTimeoutMs: 120_000,
  })
  t.teardown(() => admin.close())
  const seed = readFileSync(join(import.meta.dirname, '../../seed/100000-products.sql'), 'utf8')
  await admin.read(tx => tx.execute(sql.raw(`set search_path = catalog, extensions; ${seed}`)))
  const categoryIds = await postgres.read(tx => categoryIdsBelow(tx, category))
  t.ok(categoryIds.length > 20)
  const filters: Record<string, ListingFilter> = {
    everything: nothing,
    'a frequent word': { ...nothing, words: ['blue'] },
    'a rare word': { ...nothing, words: ['k4711'] },
    'two words': { ...nothing, words: ['blue', 'mug'] },
    'an unfinished word': { ...nothing, words: ['bl'] },
    'a word that nothing has': { ...nothing, words: ['xyzzy'] },
    'a category': { ...nothing, categoryIds },
    'a leaf category': { ...nothing, categoryIds: categoryIds.slice(-1) },
    'a price range': { ...nothing, minAmount: 1_000, maxAmount: 2_000 },
    attributes: { ...nothing, attributes: { colour: 'blue', size: 'l' } },
    // No product has both, although each has many: colours and sizes go together here.
    'what never goes together': { ...nothing, words: ['blue'], attributes: { size: 'l' } },
    'a frequent attribute': { ...nothing, attributes: { size: 'l' } },
    'a rare attribute': { ...nothing, attributes: { colour: 'none' } },
    'all at once': {
      words: ['mug'],
      categoryIds,
      minAmount: 500,
      maxAmount: 40_000,
      inStock: true,
      attributes: { colour: 'blue' },
    },
  }
  for (const [what, filter] of Object.entries(filters)) {
    const fitting = sorts.filter(sort => sort !== 'relevance' || filter.words !== undefined)
    const pages = fitting.flatMap((sort): ListPage[] => [
      { sort, after: undefined, max: 26 },
      { sort, after, max: 26 },
    ])
    const queries: [string, SQL][] = [['facets', facetQuery(filter)]]
    for (const page of pages) {
      const how = `${page.sort}${page.after === undefined ? '' : ', a later page'}`
      const ahead = aheadQuery(filter, page)
      if (ahead !== undefined) queries.push([`${how}, ahead`, ahead])
      const near = ahead === undefined ? [] : (await postgres.read(tx => tx.execute(ahead))).rows
      // All matches are read when the page was not full, and only then.
      if (near.length < page.max) queries.push([`${how}, whole`, wholeQuery(filter, page)])
    }
    for (const [how, query] of queries) {
      for (const mode of modes) {
        const reads = await postgres.transaction(tx => explain(tx, query, mode))
        t.ok(reads.length > 0)
        const kinds = reads.map(read => read['Node Type'])
        t.notOk(kinds.includes('Seq Scan'), `${what}, ${how}, ${mode}: ${kinds.join(', ')}`)
        const rows = reads.reduce(
          (sum, read) => sum + read['Actual Rows'] + (read['Rows Removed by Filter'] ?? 0),
          0,
        )
        t.ok(rows <= rowsMax, `${what}, ${how}, ${mode}: ${rows} rows`)
      }
    }
  }
})
