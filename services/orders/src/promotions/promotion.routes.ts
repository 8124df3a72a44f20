import { PromotionId } from '@campus/contracts/ids'
import { chassis, fail } from '@campus/platform/errors'
import { etagOf, requireIfMatch } from '@campus/platform/http/etag'
import { decodeCursor, Page, PageQuery, pageLimit, toPage } from '@campus/platform/http/pagination'
import { problems } from '@campus/platform/http/problem'
import type { App, FastifyReply } from '@campus/platform/http/server'
import { Type } from 'typebox'
import { changePromotion, endPromotion } from './change-promotion.command.ts'
import { createPromotion, type PromotionDeps } from './create-promotion.command.ts'
import { findPromotion, promotionsOf } from './promotion.store.ts'
import { Action, Conditions, type Promotion } from './promotion.ts'
import { PromotionView, promotionViewOf } from './promotion-view.ts'

const tags = ['promotions']
const admin = { access: { roles: ['admin'] } } as const
const params = Type.Object({ promotionId: PromotionId })
const Position = Type.Tuple([PromotionId])

const Code = Type.String({
  pattern: '^[A-Za-z0-9][A-Za-z0-9_-]{2,31}$',
  description: 'Kept in capital letters; buyers may type it as they like',
})
const Name = Type.String({ minLength: 1, maxLength: 200 })
const Limit = Type.Integer({ minimum: 1, maximum: 1_000_000_000 })
const Moment = Type.String({
  format: 'date-time',
  // The format also knows leap seconds, which dates do not.
  pattern: '^20[0-9]{2}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-5][0-9]:[0-5][0-9]',
  maxLength: 40,
})

export interface PromotionRoutesDeps extends PromotionDeps {
  readonly cursorSecret: string
}

/** Promotions, for staff. */
export function promotionRoutes(deps: PromotionRoutesDeps) {
  const { postgres, cursorSecret } = deps

  function show(reply: FastifyReply, promotion: Promotion) {
    reply.header('etag', etagOf(promotion.version))
    return promotionViewOf(promotion)
  }

  return async (app: App): Promise<void> => {
    app.post(
      '/v1/promotions',
      {
        config: admin,
        schema: {
          tags,
          summary: 'Adds a promotion that buyers get by its code',
          description: 'Code, action and conditions never change.',
          body: Type.Object({
            code: Code,
            name: Name,
            action: Action,
            conditions: Type.Optional(Conditions),
            usageLimit: Type.Optional(Limit),
            perCustomer: Type.Optional(Limit),
            from: Type.Optional(Moment),
            to: Type.Optional(Moment),
          }),
          response: { 201: PromotionView, ...problems(400, 401, 403, 409, 422) },
        },
      },
      async (request, reply) => {
        const { from, to, conditions = {}, ...body } = request.body
        const { usageLimit = null, perCustomer = null } = body
        const period = { startsAt: dateOf(from), endsAt: dateOf(to) }
        const wanted = { ...body, ...period, conditions, usageLimit, perCustomer }
        const made = await createPromotion(deps, wanted)
        reply.code(201).header('location', `/v1/promotions/${made.id}`)
        return show(reply, made)
      },
    )

    app.get(
      '/v1/promotions',
      {
        config: admin,
        schema: {
          tags,
          summary: 'All promotions, the newest first, with how often each is used',
          querystring: PageQuery,
          response: { 200: Page(PromotionView), ...problems(400, 401, 403) },
        },
      },
      async request => {
        const { cursor } = request.query
        const limit = pageLimit(request.query)
        const scope = { secret: cursorSecret, sort: 'promotions.newest' }
        const [after] = cursor === undefined ? [] : decodeCursor(cursor, scope, Position)
        const found = await postgres.read(tx => promotionsOf(tx, after, limit + 1))
        return toPage(found, { limit, scope, position: ({ id }) => [id], view: promotionViewOf })
      },
    )

    app.get(
      '/v1/promotions/:promotionId',
      {
        config: admin,
        schema: {
          tags,
          summary: 'A promotion and how often it is used',
          params,
          response: { 200: PromotionView, ...problems(400, 401, 403, 404) },
        },
      },
      async (request, reply) => {
        const { promotionId } = request.params
        const found = await postgres.read(tx => findPromotion(tx, promotionId))
        return found === undefined ? fail(chassis.notFound()) : show(reply, found)
      },
    )

    app.patch(
      '/v1/promotions/:promotionId',
      {
        config: admin,
        schema: {
          tags,
          summary: 'Changes name, limits or end of a promotion',
          description:
            'Needs `If-Match`. No limit goes below what is used. `null` lifts a limit; a later end ' +
            'opens a promotion again that has ended.',
          params,
          body: Type.Partial(
            Type.Object({
              name: Name,
              usageLimit: Type.Union([Limit, Type.Null()]),
              perCustomer: Type.Union([Limit, Type.Null()]),
              to: Type.Union([Moment, Type.Null()]),
            }),
          ),
          response: { 200: PromotionView, ...problems(400, 401, 403, 404, 409, 412, 422, 428) },
        },
      },
      async (request, reply) => {
        const { to, ...body } = request.body
        const change = { ...body, ...(to !== undefined && { endsAt: dateOf(to) }) }
        const changed = await changePromotion(deps, request.params.promotionId, change, found =>
          requireIfMatch(request, found.version, promotionViewOf(found)),
        )
        return show(reply, changed)
      },
    )

    app.delete(
      '/v1/promotions/:promotionId',
      {
        config: admin,
        schema: {
          tags,
          summary: 'Ends a promotion now',
          description: 'It is kept, and what was bought with it stays as it is.',
          params,
          response: { 204: Type.Null(), ...problems(400, 401, 403, 404) },
        },
      },
      async (request, reply) => {
        await endPromotion(deps, request.params.promotionId)
        return reply.code(204).send(null)
      },
    )
  }
}

function dateOf(text: string | null | undefined): Date | null {
  return text === undefined || text === null ? null : new Date(text)
}
