import { type Client, freshKey, type Json } from '../client.ts'
import { inParallel } from '../persist.ts'
import type { Article } from '../shop.ts'
import { type CategoryPlan, categories, type ProductPlan, products } from './shelf.ts'

/** Requests at the same time: enough to keep two cores busy, few enough to leave room for people. */
const concurrency = 4

/**
 * Makes the categories and products that are not there yet.
 *
 * @returns what is for sale, the first variant of each, by slug
 */
export async function fillShelf(
  client: Client,
  adminToken: string,
): Promise<ReadonlyMap<string, Article>> {
  const ids = await plantTree(client, adminToken)
  const made = await inParallel(products, concurrency, async plan => {
    const categoryId = ids.get(plan.category)
    return [plan.slug, await ensureProduct(client, adminToken, plan, categoryId)] as const
  })
  return new Map(
    made.flatMap(([slug, article]) => (article === undefined ? [] : [[slug, article]])),
  )
}

/** @returns ids of categories by slug */
async function plantTree(client: Client, token: string): Promise<Map<string, string>> {
  const ids = new Map<string, string>()
  const note = (nodes: readonly Json[]) => {
    for (const { id, slug, children } of nodes) {
      ids.set(slug, id)
      note(children)
    }
  }
  note((await client.must(200, 'GET', '/v1/categories')).body.data)

  // One after the other: the tree is locked while it grows.
  async function plant(plans: readonly CategoryPlan[], parentId: string | null): Promise<void> {
    for (const [position, { name, slug, children = [] }] of plans.entries()) {
      if (!ids.has(slug)) {
        const body = { name, slug, parentId, position }
        const { body: made } = await client.must(201, 'POST', '/v1/categories', { token, body })
        ids.set(slug, made.id)
      }
      await plant(children, ids.get(slug) ?? null)
    }
  }
  await plant(categories, null)
  return ids
}

/** @returns its first variant; undefined when it is not for sale */
async function ensureProduct(
  client: Client,
  token: string,
  plan: ProductPlan,
  categoryId: string | undefined,
): Promise<Article | undefined> {
  const { title, slug, description, variants, end } = plan
  const made = await client.ask('POST', '/v1/products', {
    token,
    body: { title, slug, description, ...(categoryId !== undefined && { categoryId }) },
  })
  if (made.body.code === 'catalog.slug_taken') return findArticle(client, slug)
  if (made.status !== 201) throw new Error(`${slug}: ${JSON.stringify(made.body)}`)
  const productId: string = made.body.id
  let first: Article | undefined
  for (const { label, priceMinor, units } of variants) {
    const sku = `${slug}-${label}`.toUpperCase()
    const varied = await client.must(201, 'POST', `/v1/products/${productId}/variants`, {
      token,
      body: { sku, label },
    })
    const variantId: string = varied.body.variants.find((one: Json) => one.sku === sku).id
    first ??= { productId, variantId }
    await client.must(200, 'PUT', `/v1/variants/${variantId}/prices`, {
      token,
      ifMatch: varied.headers.get('etag') ?? '',
      body: [{ price: { amount: priceMinor, currency: 'EUR' } }],
    })
    if (units === 0) continue
    await client.must(201, 'POST', `/v1/stock/${variantId}/adjustments`, {
      token,
      key: freshKey(),
      body: { delta: units, reason: 'delivery' },
    })
  }
  if (end === 'draft') return undefined
  await client.must(200, 'POST', `/v1/products/${productId}/publish`, { token })
  if (end === undefined) return first
  await client.must(200, 'POST', `/v1/products/${productId}/archive`, { token })
  return undefined
}

/** A product that was there before, if buyers see it. */
async function findArticle(client: Client, slug: string): Promise<Article | undefined> {
  const { status, body } = await client.ask('GET', `/v1/products/${slug}`)
  const variantId: string | undefined = status === 200 ? body.variants[0]?.id : undefined
  return variantId === undefined ? undefined : { productId: body.id, variantId }
}
