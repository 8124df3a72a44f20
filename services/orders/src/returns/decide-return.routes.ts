import { ReturnId } from '@campus/contracts/ids'
import type { Postgres } from '@campus/platform/data/postgres'
import { idempotent } from '@campus/platform/http/idempotency'
import { problems } from '@campus/platform/http/problem'
import type { App, FastifyReply, FastifyRequest } from '@campus/platform/http/server'
import { Type } from 'typebox'
import { approveReturn } from './approve-return.command.ts'
import type { ReturnDeps } from './lock-return.command.ts'
import { receiveReturn } from './receive-return.command.ts'
import { rejectReturn } from './reject-return.command.ts'
import { ReceivedLine, type Return } from './return.ts'
import { ReturnView, returnViewOf } from './return-view.ts'

const tags = ['returns']
const admin = { access: { roles: ['admin'] } } as const
const params = Type.Object({ returnId: ReturnId })
const response = { 200: ReturnView, ...problems(400, 401, 403, 404, 409, 422) }

/** What staff does about returns. */
export function decideReturnRoutes(deps: ReturnDeps) {
  async function answer(
    request: FastifyRequest,
    reply: FastifyReply,
    work: (postgres: Postgres) => Promise<Return>,
  ): Promise<FastifyReply> {
    await idempotent(request, reply, deps.postgres, work, changed => ({
      status: 200,
      body: returnViewOf(changed),
    }))
    return reply
  }

  return async (app: App): Promise<void> => {
    app.post(
      '/v1/returns/:returnId/approve',
      {
        config: admin,
        schema: {
          tags,
          summary: 'Agrees to take something back',
          description:
            'Needs `Idempotency-Key`. Goods are waited for; a course is paid back at once.',
          params,
          response,
        },
      },
      async (request, reply) => {
        const { returnId } = request.params
        return answer(request, reply, postgres => approveReturn({ ...deps, postgres }, returnId))
      },
    )

    app.post(
      '/v1/returns/:returnId/reject',
      {
        config: admin,
        schema: {
          tags,
          summary: 'Turns a return down',
          description:
            'Needs `Idempotency-Key`. Also an approved one, whose goods never come. The reason is ' +
            'shown to the buyer.',
          params,
          body: Type.Object({ reason: Type.String({ minLength: 1, maxLength: 200 }) }),
          response,
        },
      },
      async (request, reply) => {
        const { returnId } = request.params
        const { reason } = request.body
        return answer(request, reply, postgres =>
          rejectReturn({ ...deps, postgres }, returnId, reason),
        )
      },
    )

    app.post(
      '/v1/returns/:returnId/receive',
      {
        config: admin,
        schema: {
          tags,
          summary: 'Goods of a return have arrived and are paid back',
          description:
            'Needs `Idempotency-Key`. Less than was announced is fine. What can be sold again goes ' +
            'back on the shelf; name a line twice when only a part of it can.',
          params,
          body: Type.Object({
            lines: Type.Array(ReceivedLine, { minItems: 1, maxItems: 200 }),
          }),
          response,
        },
      },
      async (request, reply) => {
        const { returnId } = request.params
        const { lines } = request.body
        return answer(request, reply, postgres =>
          receiveReturn({ ...deps, postgres }, returnId, lines),
        )
      },
    )
  }
}
