import { CategoryId, ProductId } from '@campus/contracts/ids'
import type { Cache } from '@campus/platform/data/cache'
import type { Postgres, Tx } from '@campus/platform/data/postgres'
import { decodeCursor, Page, PageQuery, pageLimit, toPage } from '@campus/platform/http/pagination'
import { problems } from '@campus/platform/http/problem'
import type { App } from '@campus/platform/http/server'
import { type Static, Type } from 'typebox'
import { categoryIdsBelow, facets, listings } from './listing.store.ts'
import {
  type FacetCounts,
  type Listing,
  type ListingFilter,
  type Sort,
  sorts,
  wordsOf,
} from './listing.ts'
import { FacetsView, facetsViewOf, ListingView, listingViewOf } from './listing-view.ts'

interface Deps {
  readonly postgres: Postgres
  readonly cache: Cache
  readonly cursorSecret: string
}

const tags = ['products']
const Amount = Type.String({ pattern: '^(0|[1-9][0-9]{0,11})$', description: 'Minor units' })
/** `attr.colour=blue`: a name and the value that products must have. */
const attributePattern = '^attr\\.[a-z][a-z0-9_]{0,39}$'
const attributePrefix = 'attr.'

const ListQuery = Type.Object(
  {
    ...PageQuery.properties,
    q: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: 100,
        description: 'Words that title, details or description have, each perhaps unfinished',
      }),
    ),
    category: Type.Optional(CategoryId),
    min: Type.Optional(Amount),
    max: Type.Optional(Amount),
    inStock: Type.Optional(Type.Literal('true', { description: 'Only what can be had now' })),
    sort: Type.Optional(
      Type.Union(
        sorts.map(sort => Type.Literal(sort)),
        { description: '`relevance` with `q`, the 500 most popular matches; else `newest`' },
      ),
    ),
    facets: Type.Optional(
      Type.Literal('true', { description: 'Counts the matches by category and attribute, too' }),
    ),
  },
  { patternProperties: { [attributePattern]: Type.String({ minLength: 1, maxLength: 60 }) } },
)
type ListQuery = Static<typeof ListQuery>

const Position = Type.Tuple([Type.Union([Type.Number(), Type.Null()]), ProductId])
/** Counts may be so much out of date; they are the same for each page and sort. */
const facetSeconds = 30
const popularSeconds = 60
const popularMax = 24

/** What the shop shows: lists, search and what sells best. */
export function listingRoutes({ postgres, cache, cursorSecret }: Deps) {
  return async (app: App): Promise<void> => {
    app.get(
      '/v1/products',
      {
        config: { access: 'public' },
        schema: {
          tags,
          summary: 'Published products, searched, narrowed and sorted',
          description: '`attr.<name>=<value>` narrows to products with that attribute.',
          querystring: ListQuery,
          response: {
            200: Type.Object({
              ...Page(ListingView).properties,
              facets: Type.Optional(FacetsView),
            }),
            ...problems(400),
          },
        },
      },
      async ({ query }) => {
        const limit = pageLimit(query)
        const { cursor } = query
        const sort = sortOf(query)
        const asked = askedOf(query)
        const scope = { secret: cursorSecret, sort: `products.${sort}`, filter: asked }
        const [value, productId] = cursor === undefined ? [] : decodeCursor(cursor, scope, Position)
        const after = productId && { value: value ?? null, productId }
        const filter = await postgres.read(tx => filterOf(tx, query))
        const [rows, counts] = await Promise.all([
          postgres.read(tx => listings(tx, filter, { sort, after, max: limit + 1 })),
          query.facets === undefined
            ? undefined
            : cache.get<FacetCounts>(`facets:${JSON.stringify(asked)}`, {
                ttlSeconds: facetSeconds,
                load: async () => ({
                  value: await postgres.read(tx => facets(tx, filter)),
                  version: 0,
                }),
              }),
        ])
        const page = toPage(rows, {
          limit,
          scope,
          position: row => [row.position, row.productId],
          view: listingViewOf,
        })
        return { ...page, ...(counts !== undefined && { facets: facetsViewOf(counts) }) }
      },
    )

    app.get(
      '/v1/products/popular',
      {
        config: { access: 'public' },
        schema: {
          tags,
          summary: 'What sells best; a sale counts half as much after a week',
          querystring: Type.Object({ category: Type.Optional(CategoryId) }),
          response: { 200: Type.Object({ data: Type.Array(ListingView) }), ...problems(400) },
        },
      },
      async ({ query }) => {
        const data = await cache.get<Listing[]>(`popular:${query.category ?? ''}`, {
          ttlSeconds: popularSeconds,
          load: async () => {
            const value = await postgres.read(async tx =>
              listings(tx, await filterOf(tx, query), {
                sort: 'popular',
                after: undefined,
                max: popularMax,
              }),
            )
            return { value, version: 0 }
          },
        })
        return { data: (data ?? []).map(listingViewOf) }
      },
    )
  }
}

function sortOf({ sort, q }: ListQuery): Sort {
  if (sort === undefined || (sort === 'relevance' && q === undefined)) {
    return q === undefined ? 'newest' : 'relevance'
  }
  return sort
}

/** What a list is narrowed to, as it was asked for: the same list whatever the order of the query. */
function askedOf(query: ListQuery) {
  const { q, category, min, max, inStock } = query
  return { q, category, min, max, inStock, attributes: attributesOf(query) }
}

function attributesOf(query: ListQuery): Record<string, string> {
  const asked = Object.entries(query).filter(([name]) => name.startsWith(attributePrefix))
  return Object.fromEntries(
    asked
      .map(([name, value]) => [name.slice(attributePrefix.length), String(value)])
      .toSorted(([one = ''], [other = '']) => one.localeCompare(other)),
  )
}

async function filterOf(tx: Tx, query: ListQuery): Promise<ListingFilter> {
  const { q, category, min, max, inStock } = query
  return {
    words: q === undefined ? undefined : wordsOf(q),
    categoryIds: category === undefined ? undefined : await categoryIdsBelow(tx, category),
    minAmount: min === undefined ? undefined : Number(min),
    maxAmount: max === undefined ? undefined : Number(max),
    inStock: inStock !== undefined,
    attributes: attributesOf(query),
  }
}
