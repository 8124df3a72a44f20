import { asId, CategoryId, ProductId, type UserId, VariantId } from '@campus/contracts/ids'
import { Money } from '@campus/contracts/money'
import type { Cache } from '@campus/platform/data/cache'
import { chassis, fail } from '@campus/platform/errors'
import { userOf } from '@campus/platform/http/auth'
import { etagOf, requireIfMatch } from '@campus/platform/http/etag'
import { problems } from '@campus/platform/http/problem'
import type { App, FastifyReply, FastifyRequest } from '@campus/platform/http/server'
import { Type } from 'typebox'
import { archiveProduct, changeProduct, publishProduct } from './change-product.command.ts'
import { addVariant, changeVariant, setPrices, type VariantDeps } from './change-variant.command.ts'
import { createProduct } from './create-product.command.ts'
import { findProduct } from './product.store.ts'
import type { Product } from './product.ts'
import { ProductView, viewOf } from './product-view.ts'

interface Deps extends VariantDeps {
  readonly cache: Cache
}

const tags = ['products']
const admin = { access: { roles: ['admin'] } } as const
const productParams = Type.Object({ productId: ProductId })
const Slug = Type.String({ pattern: '^[a-z0-9]+(-[a-z0-9]+)*$', maxLength: 100 })
const Title = Type.String({ minLength: 1, maxLength: 150 })
const Description = Type.String({ maxLength: 10_000 })
const Moment = Type.String({ format: 'date-time', maxLength: 40 })
/** A full cart of such prices can still be added up. */
const UnitPrice = Type.Object({
  ...Money.properties,
  amount: Type.Integer({ minimum: 0, maximum: 10_000_000_000, description: 'Minor units' }),
})
const Sku = Type.String({ pattern: '^[A-Z0-9][A-Z0-9._-]{0,63}$' })
const Label = Type.String({ maxLength: 40 })
const AttributesInput = Type.Record(
  Type.String({ pattern: '^[a-z][a-z0-9_]{0,39}$' }),
  Type.String({ minLength: 1, maxLength: 60 }),
  { maxProperties: 20, description: 'Facts that people filter by, e.g. `{"colour": "blue"}`' },
)
/** Prices begin and end by themselves, so a cached view may be so much out of date. */
const ttlSeconds = 60

/** What is for sale. */
export function productRoutes(deps: Deps) {
  const { postgres, clock, cache } = deps

  /** Answers a product after a change: nobody reads the old one from the cache afterwards. */
  async function changed(reply: FastifyReply, product: Product): Promise<ProductView> {
    await Promise.all(
      [product.id, product.slug].map(key => cache.drop(cacheKey(key), product.version)),
    )
    reply.header('etag', etagOf(product.version))
    return viewOf(product, clock.now())
  }

  function requireSeen(request: FastifyRequest) {
    return (product: Product) => {
      requireIfMatch(request, product.version, viewOf(product, clock.now()))
    }
  }

  return async (app: App): Promise<void> => {
    app.get(
      '/v1/products/:productId',
      {
        config: { access: 'public' },
        schema: {
          tags,
          summary: 'A published product by id or slug',
          params: Type.Object({ productId: Type.Union([ProductId, Slug]) }),
          response: { 200: ProductView, ...problems(400, 404) },
        },
      },
      async (request, reply) => {
        const { productId: key } = request.params
        const view = await cache.get<ProductView>(cacheKey(key), {
          ttlSeconds,
          load: async () => {
            const product = await postgres.read(tx => findProduct(tx, key))
            return product?.state === 'published'
              ? { value: viewOf(product, clock.now()), version: product.version }
              : undefined
          },
        })
        if (view === undefined) return fail(chassis.notFound())
        reply.header('etag', etagOf(view.version))
        return view
      },
    )

    app.post(
      '/v1/products',
      {
        config: admin,
        schema: {
          tags,
          summary: 'Adds a product as a draft',
          body: Type.Object({
            title: Title,
            slug: Slug,
            description: Type.Optional(Description),
            categoryId: Type.Optional(CategoryId),
            attributes: Type.Optional(AttributesInput),
          }),
          response: { 201: ProductView, ...problems(400, 401, 403, 409, 422) },
        },
      },
      async (request, reply) => {
        const { description = '', categoryId = null, attributes = {}, ...body } = request.body
        const made = { ...body, description, categoryId, attributes }
        const product = await createProduct(deps, made)
        reply.code(201).header('location', `/v1/products/${product.id}`)
        return changed(reply, product)
      },
    )

    app.patch(
      '/v1/products/:productId',
      {
        config: admin,
        schema: {
          tags,
          summary: 'Changes what a product says of itself',
          description: 'Needs `If-Match`.',
          params: productParams,
          body: Type.Partial(
            Type.Object({
              title: Title,
              slug: Slug,
              description: Description,
              categoryId: Type.Union([CategoryId, Type.Null()]),
              attributes: AttributesInput,
            }),
          ),
          response: { 200: ProductView, ...problems(400, 401, 403, 404, 409, 412, 422, 428) },
        },
      },
      async (request, reply) => {
        const { productId } = request.params
        const { body } = request
        return changed(reply, await changeProduct(deps, productId, body, requireSeen(request)))
      },
    )

    app.post(
      '/v1/products/:productId/publish',
      {
        config: admin,
        schema: {
          tags,
          summary: 'Shows a product to buyers',
          params: productParams,
          response: { 200: ProductView, ...problems(400, 401, 403, 404, 409) },
        },
      },
      async (request, reply) =>
        changed(reply, await publishProduct(deps, request.params.productId)),
    )

    app.post(
      '/v1/products/:productId/archive',
      {
        config: admin,
        schema: {
          tags,
          summary: 'Hides a product from buyers',
          params: productParams,
          response: { 200: ProductView, ...problems(400, 401, 403, 404) },
        },
      },
      async (request, reply) => {
        const by = asId<UserId>(userOf(request).userId)
        return changed(reply, await archiveProduct(deps, request.params.productId, by))
      },
    )

    app.post(
      '/v1/products/:productId/variants',
      {
        config: admin,
        schema: {
          tags,
          summary: 'Adds a variant to a product',
          params: productParams,
          body: Type.Object({
            sku: Sku,
            label: Type.Optional(Label),
            tracked: Type.Optional(Type.Boolean({ description: 'Whether it has stock; true.' })),
          }),
          response: { 201: ProductView, ...problems(400, 401, 403, 404, 409) },
        },
      },
      async (request, reply) => {
        const { label = '', tracked = true, sku } = request.body
        const { productId } = request.params
        const product = await addVariant(deps, productId, { sku, label, tracked })
        reply.code(201)
        return changed(reply, product)
      },
    )

    app.patch(
      '/v1/variants/:variantId',
      {
        config: admin,
        schema: {
          tags,
          summary: 'Changes a variant',
          description: 'Needs `If-Match` with the version of the product.',
          params: Type.Object({ variantId: VariantId }),
          body: Type.Partial(
            Type.Object({
              sku: Sku,
              label: Label,
              lowStockAt: Type.Union(
                [Type.Integer({ minimum: 1, maximum: 1_000_000 }), Type.Null()],
                {
                  description: 'From so many available units on `low_stock_reached` is told',
                },
              ),
            }),
          ),
          response: { 200: ProductView, ...problems(400, 401, 403, 404, 409, 412, 428) },
        },
      },
      async (request, reply) => {
        const { variantId } = request.params
        const { body } = request
        return changed(reply, await changeVariant(deps, variantId, body, requireSeen(request)))
      },
    )

    app.put(
      '/v1/variants/:variantId/prices',
      {
        config: admin,
        schema: {
          tags,
          summary: 'Sets the prices of a variant from now on',
          description: 'Needs `If-Match` with the version of the product.',
          params: Type.Object({ variantId: VariantId }),
          body: Type.Array(
            Type.Object({
              price: UnitPrice,
              from: Type.Optional(Moment),
              to: Type.Optional(Moment),
            }),
            { minItems: 1, maxItems: 50 },
          ),
          response: { 200: ProductView, ...problems(400, 401, 403, 404, 409, 412, 422, 428) },
        },
      },
      async (request, reply) => {
        const prices = request.body.map(({ price, from, to }) => ({
          price,
          from: from === undefined ? undefined : new Date(from),
          to: to === undefined ? undefined : new Date(to),
        }))
        const { variantId } = request.params
        return changed(reply, await setPrices(deps, variantId, prices, requireSeen(request)))
      },
    )
  }
}

function cacheKey(key: string): string {
  return `product:${key}`
}
