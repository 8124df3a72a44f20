import { CategoryId } from '@campus/contracts/ids'
import type { Cache } from '@campus/platform/data/cache'
import { type Postgres, type Tx, violatedConstraint } from '@campus/platform/data/postgres'
import { chassis, fail, refuseAll } from '@campus/platform/errors'
import { problems } from '@campus/platform/http/problem'
import type { App } from '@campus/platform/http/server'
import { newId } from '@campus/platform/new-id'
import { Type } from 'typebox'
import { refuse } from '../errors.ts'
import {
  allCategories,
  deleteCategory,
  insertCategory,
  lockTree,
  updateCategory,
} from './category.store.ts'
import { type CategoryNode, makesCycle, treeOf } from './category.ts'

interface Deps {
  readonly postgres: Postgres
  readonly cache: Cache
}

const tags = ['categories']
const admin = { access: { roles: ['admin'] } } as const
const cacheKey = 'category-tree'
const ttlSeconds = 300
const Body = Type.Object({
  name: Type.String({ minLength: 1, maxLength: 100 }),
  slug: Type.String({ pattern: '^[a-z0-9]+(-[a-z0-9]+)*$', maxLength: 100 }),
  parentId: Type.Optional(Type.Union([CategoryId, Type.Null()])),
  position: Type.Optional(Type.Integer({ minimum: 0, maximum: 10_000 })),
})
const Created = Type.Object({ id: CategoryId })
const Node = Type.Cyclic(
  {
    Node: Type.Object({
      id: CategoryId,
      name: Type.String(),
      slug: Type.String(),
      children: Type.Array(Type.Ref('Node')),
    }),
  },
  'Node',
)

/** The tree that products are found in. */
export function categoryRoutes({ postgres, cache }: Deps) {
  return async (app: App): Promise<void> => {
    app.get(
      '/v1/categories',
      {
        config: { access: 'public' },
        schema: {
          tags,
          summary: 'The tree of categories',
          response: { 200: Type.Object({ data: Type.Array(Node) }) },
        },
      },
      async () => {
        const data = await cache.get<CategoryNode[]>(cacheKey, {
          ttlSeconds,
          load: async () => {
            const categories = await postgres.read(allCategories)
            return { value: treeOf(categories), version: 0 }
          },
        })
        return { data: data ?? [] }
      },
    )

    app.post(
      '/v1/categories',
      {
        config: admin,
        schema: {
          tags,
          summary: 'Adds a category',
          body: Body,
          response: { 201: Created, ...problems(400, 401, 403, 409, 422) },
        },
      },
      async (request, reply) => {
        const id = newId<CategoryId>()
        const { name, slug, parentId = null, position = 0 } = request.body
        await saveTree(async tx => {
          const isNew = await insertCategory(tx, { id, name, slug, parentId, position })
          refuseAll(isNew ? [] : [refuse.slug_taken()])
        })
        reply.code(201)
        return { id }
      },
    )

    app.patch(
      '/v1/categories/:categoryId',
      {
        config: admin,
        schema: {
          tags,
          summary: 'Renames or moves a category',
          params: Type.Object({ categoryId: CategoryId }),
          body: Type.Partial(Body),
          response: { 204: Type.Null(), ...problems(400, 401, 403, 404, 409, 422) },
        },
      },
      async (request, reply) => {
        const { categoryId } = request.params
        const { body } = request
        await saveTree(async tx => {
          const { parentId } = body
          if (parentId && makesCycle(await allCategories(tx), categoryId, parentId)) {
            refuseAll([refuse.category_cycle()])
          }
          const isKnown = await updateCategory(tx, categoryId, body)
          if (!isKnown) fail(chassis.notFound())
        })
        return reply.code(204).send(null)
      },
    )

    app.delete(
      '/v1/categories/:categoryId',
      {
        config: admin,
        schema: {
          tags,
          summary: 'Removes an empty category',
          params: Type.Object({ categoryId: CategoryId }),
          response: { 204: Type.Null(), ...problems(400, 401, 403, 404, 409) },
        },
      },
      async (request, reply) => {
        await saveTree(async tx => {
          const outcome = await deleteCategory(tx, request.params.categoryId)
          if (outcome === 'unknown') fail(chassis.notFound())
          refuseAll(outcome === 'in_use' ? [refuse.category_in_use()] : [])
        })
        return reply.code(204).send(null)
      },
    )
  }

  /** Changes the tree, one change at a time. */
  async function saveTree(change: (tx: Tx) => Promise<void>): Promise<void> {
    try {
      await postgres.transaction(async tx => {
        await lockTree(tx)
        await change(tx)
      })
    } catch (error) {
      const constraint = violatedConstraint(error)
      if (constraint === 'category_slug_key') return refuseAll([refuse.slug_taken()])
      if (constraint === 'category_parent_id_fkey') return refuseAll([refuse.category_unknown()])
      throw error
    }
    await cache.drop(cacheKey)
  }
}
