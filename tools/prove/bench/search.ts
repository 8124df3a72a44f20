import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createPostgres } from '@campus/platform/data/postgres'
import { sql } from 'drizzle-orm'
import { CliError } from '../../cli-error.ts'
import type { Mesh } from '../mesh.ts'
import { seededRandom } from '../random.ts'
import { type Figure, quantile } from './figure.ts'
import { atRate } from './open-loop.ts'

const shop = join(import.meta.dirname, '../../../services/catalog/seed/100000-products.sql')
const products = 100_000
const perSecond = 50
const count = 1_000
const warmUpCount = 200
const pageSize = 100
const repeats = 50

const words = [
  'blue',
  'red',
  'golden',
  'mug',
  'bag',
  'shirt',
  'lamp',
  'wood',
  'steel',
  'teachers',
  'k47',
]
const sorts = ['relevance', 'popular', 'price', '-price', 'newest']
const narrowings = ['', '&inStock=true', '&min=500&max=20000', '&attr.colour=blue', '&attr.size=l']

/** Lists, search and product pages of a shop with 100,000 products, over the gateway. */
export async function searchFigures({ client, env }: Mesh): Promise<Figure[]> {
  await fillShop(env['DATABASE_URL'] ?? '')
  const random = seededRandom(1)
  const get = async (path: string) => (await client.must(200, 'GET', path)).body
  /** Milliseconds of each answer, ascending. */
  async function timed(path: () => string): Promise<number[]> {
    const tookMs: number[] = []
    // The first seconds compile statements and fill caches; a shop is open for longer.
    await atRate({ perSecond, count: warmUpCount }, async () => get(path()))
    await atRate({ perSecond, count }, async () => {
      const startedAt = performance.now()
      await get(path())
      tookMs.push(performance.now() - startedAt)
    })
    return tookMs.toSorted((a, b) => a - b)
  }
  const list = await timed(() => `/v1/products?sort=${random.pick(sorts.slice(1))}`)
  const search = await timed(
    () =>
      `/v1/products?q=${random.pick(words)}&sort=${random.pick(sorts)}&facets=true${random.pick(narrowings)}`,
  )
  const detail = await timed(() => `/v1/products/many-${1 + random.below(products)}`)
  const named = { list: list, 'search with facets': search, 'product page': detail }
  const { first, last } = await deepPages(get)
  return [
    ...Object.entries(named).flatMap(([name, tookMs]): Figure[] => [
      {
        name: `${name}, 100,000 products, ${perSecond}/s, p50`,
        unit: 'ms',
        campus: quantile(tookMs, 0.5),
      },
      {
        name: `${name}, 100,000 products, ${perSecond}/s, p99`,
        unit: 'ms',
        campus: quantile(tookMs, 0.99),
        target: { atMost: 50 },
      },
    ]),
    {
      name: `page ${products / pageSize} of a list, median`,
      unit: 'ms',
      campus: last,
      limit: { name: 'page 1', value: first },
    },
  ]
}

async function fillShop(adminUrl: string): Promise<void> {
  const admin = createPostgres({
    url: adminUrl,
    max: 1,
    applicationName: 'bench',
    statementTimeoutMs: 120_000,
  })
  try {
    const text = readFileSync(shop, 'utf8')
    await admin.read(tx => tx.execute(sql.raw(`set search_path = catalog, extensions; ${text}`)))
  } finally {
    await admin.close()
  }
}

/** Median milliseconds of the first and of the last page of the whole list. */
async function deepPages(get: (path: string) => Promise<{ page: { next: string | null } }>) {
  const firstPage = `/v1/products?sort=price&limit=${pageSize}`
  let path = firstPage
  for (let page = 2; page <= products / pageSize; page += 1) {
    const { next } = (await get(path)).page
    if (next === null) throw new CliError(`There is no page ${page}.`)
    path = `${firstPage}&cursor=${next}`
  }
  const median = async (of: string) => {
    const tookMs: number[] = []
    for (let n = 0; n < repeats; n += 1) {
      const startedAt = performance.now()
      await get(of)
      tookMs.push(performance.now() - startedAt)
    }
    return quantile(
      tookMs.toSorted((a, b) => a - b),
      0.5,
    )
  }
  return { first: await median(firstPage), last: await median(path) }
}
