import { Role, SuspensionCode } from '@campus/contracts/events/users'
import { asId, UserId } from '@campus/contracts/ids'
import { chassis, fail } from '@campus/platform/errors'
import { userOf } from '@campus/platform/http/auth'
import { etagOf, requireIfMatch } from '@campus/platform/http/etag'
import { decodeCursor, Page, PageQuery, pageLimit, toPage } from '@campus/platform/http/pagination'
import { problems } from '@campus/platform/http/problem'
import type { App } from '@campus/platform/http/server'
import { Type } from 'typebox'
import { AccountView, viewOf } from '../account/account-view.ts'
import { changeRoles, type DirectoryDeps } from './change-roles.command.ts'
import { listAccounts } from './directory.store.ts'
import { reinstateAccount } from './reinstate-account.command.ts'
import { suspendAccount } from './suspend-account.command.ts'

const tags = ['users']
const access = { roles: ['admin'] } as const
const Position = Type.Tuple([UserId])
const UserParams = Type.Object({ userId: UserId })

/** All accounts, for admins. */
export function directoryRoutes(deps: DirectoryDeps & { readonly cursorSecret: string }) {
  const { postgres, accounts, cursorSecret } = deps
  return async (app: App): Promise<void> => {
    app.get(
      '/v1/users',
      {
        config: { access },
        schema: {
          tags,
          summary: 'Accounts, the newest first',
          querystring: Type.Object({
            ...PageQuery.properties,
            q: Type.Optional(
              Type.String({
                minLength: 1,
                maxLength: 100,
                description: 'Beginning of the address or of the name',
              }),
            ),
            role: Type.Optional(Role),
            status: Type.Optional(AccountView.properties.status),
          }),
          response: { 200: Page(AccountView), ...problems(400, 401, 403) },
        },
      },
      async request => {
        const { cursor, limit: _limit, ...filter } = request.query
        const limit = pageLimit(request.query)
        const scope = { secret: cursorSecret, sort: 'users.newest', filter }
        const [after] = cursor === undefined ? [] : decodeCursor(cursor, scope, Position)
        const found = await postgres.read(tx => listAccounts(tx, filter, after, limit + 1))
        return toPage(found, { limit, scope, position: ({ id }) => [id], view: viewOf })
      },
    )

    app.get(
      '/v1/users/:userId',
      {
        config: { access },
        schema: {
          tags,
          summary: 'An account',
          params: UserParams,
          response: { 200: AccountView, ...problems(400, 401, 403, 404) },
        },
      },
      async (request, reply) => {
        const { userId } = request.params
        const account = await postgres.read(tx => accounts.findAccount(tx, userId))
        if (account === undefined) return fail(chassis.notFound())
        reply.header('etag', etagOf(account.version))
        return viewOf(account)
      },
    )

    app.put(
      '/v1/users/:userId/roles',
      {
        config: { access },
        schema: {
          tags,
          summary: 'Gives an account exactly these roles, within seconds everywhere',
          params: UserParams,
          body: Type.Object({ roles: Type.Array(Role, { maxItems: 4 }) }),
          response: { 200: AccountView, ...problems(400, 401, 403, 404, 409, 412, 428) },
        },
      },
      async (request, reply) => {
        const account = await changeRoles(deps, {
          userId: request.params.userId,
          roles: request.body.roles,
          by: asId<UserId>(userOf(request).userId),
          requireSeen: seen => requireIfMatch(request, seen.version, viewOf(seen)),
        })
        reply.header('etag', etagOf(account.version))
        return viewOf(account)
      },
    )

    app.post(
      '/v1/users/:userId/suspend',
      {
        config: { access },
        schema: {
          tags,
          summary: 'Locks an account out, within seconds everywhere; again is harmless',
          params: UserParams,
          body: Type.Object({ code: SuspensionCode }),
          response: { 200: AccountView, ...problems(400, 401, 403, 404, 409) },
        },
      },
      async (request, reply) => {
        const account = await suspendAccount(deps, {
          userId: request.params.userId,
          code: request.body.code,
          by: asId<UserId>(userOf(request).userId),
        })
        reply.header('etag', etagOf(account.version))
        return viewOf(account)
      },
    )

    app.post(
      '/v1/users/:userId/reinstate',
      {
        config: { access },
        schema: {
          tags,
          summary: 'Lets a suspended account in again, with the roles it had',
          params: UserParams,
          response: { 200: AccountView, ...problems(400, 401, 403, 404, 409) },
        },
      },
      async (request, reply) => {
        const account = await reinstateAccount(deps, {
          userId: request.params.userId,
          by: asId<UserId>(userOf(request).userId),
        })
        reply.header('etag', etagOf(account.version))
        return viewOf(account)
      },
    )
  }
}
