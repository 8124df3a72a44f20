import { asId, PaymentMethodId, type UserId } from '@campus/contracts/ids'
import { userOf } from '@campus/platform/http/auth'
import { problems } from '@campus/platform/http/problem'
import type { App, FastifyRequest } from '@campus/platform/http/server'
import { type Static, Type } from 'typebox'
import { TokenField } from '../psp/token.ts'
import { methodsOf } from './method.store.ts'
import type { PaymentMethod } from './method.ts'
import { type MethodDeps, removeMethod, saveMethod } from './save-method.command.ts'

const tags = ['payment methods']
const MethodView = Type.Object({
  id: PaymentMethodId,
  brand: Type.String(),
  last4: Type.String(),
  createdAt: Type.String({ format: 'date-time' }),
})

/** The cards that somebody pays with again. */
export function methodRoutes(deps: MethodDeps) {
  const me = (request: FastifyRequest) => asId<UserId>(userOf(request).userId)

  return async (app: App): Promise<void> => {
    app.get(
      '/v1/me/payment-methods',
      {
        config: { access: 'user' },
        schema: {
          tags,
          summary: 'My payment methods, the newest first; 10 at most',
          response: { 200: Type.Object({ data: Type.Array(MethodView) }), ...problems(401) },
        },
      },
      async request => {
        const found = await deps.postgres.read(tx => methodsOf(tx, me(request)))
        return { data: found.map(viewOf) }
      },
    )

    app.post(
      '/v1/me/payment-methods',
      {
        config: { access: 'user', rateLimit: { policy: 'confirm' } },
        schema: {
          tags,
          summary: 'Keeps a card for later',
          description: 'A card that is kept already is answered with 200.',
          body: Type.Object({ token: TokenField }),
          response: { 200: MethodView, 201: MethodView, ...problems(400, 401, 409, 422, 429) },
        },
      },
      async (request, reply) => {
        const { method, isNew } = await saveMethod(deps, me(request), request.body.token)
        reply.code(isNew ? 201 : 200)
        return viewOf(method)
      },
    )

    app.delete(
      '/v1/me/payment-methods/:paymentMethodId',
      {
        config: { access: 'user' },
        schema: {
          tags,
          summary: 'Forgets a card',
          params: Type.Object({ paymentMethodId: PaymentMethodId }),
          response: { 204: Type.Null(), ...problems(400, 401, 404) },
        },
      },
      async (request, reply) => {
        await removeMethod(deps, me(request), request.params.paymentMethodId)
        return reply.code(204).send(null)
      },
    )
  }
}

function viewOf({ id, brand, last4, createdAt }: PaymentMethod): Static<typeof MethodView> {
  return { id, brand, last4, createdAt: createdAt.toISOString() }
}
