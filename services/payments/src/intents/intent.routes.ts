import { asId, IntentId, PaymentMethodId, type UserId } from '@campus/contracts/ids'
import { chassis, fail } from '@campus/platform/errors'
import { userOf } from '@campus/platform/http/auth'
import { etagOf } from '@campus/platform/http/etag'
import { idempotent } from '@campus/platform/http/idempotency'
import { preferWait, requestSignal } from '@campus/platform/http/prefer-wait'
import { problems } from '@campus/platform/http/problem'
import type { App } from '@campus/platform/http/server'
import { Type } from 'typebox'
import { TokenField } from '../psp/token.ts'
import { type ConfirmDeps, confirmIntent } from './confirm-intent.command.ts'
import { findIntent } from './intent.store.ts'
import { type Intent, isInProgress } from './intent.ts'
import { IntentView, viewOf } from './intent-view.ts'
import { watchIntent } from './watch-intent.command.ts'

const tags = ['payments']
const params = Type.Object({ intentId: IntentId })

/** Paying, and looking how it went. */
export function intentRoutes(deps: ConfirmDeps) {
  const { postgres } = deps

  return async (app: App): Promise<void> => {
    app.get(
      '/v1/payment-intents/:intentId',
      {
        config: { access: 'user' },
        schema: {
          tags,
          summary: 'A payment and how far it is',
          description:
            'With `Prefer: wait=N` and `If-None-Match` the answer is held until the payment differs ' +
            'from that version; without, while the provider is at work.',
          params,
          response: { 200: IntentView, ...problems(400, 401, 404) },
        },
      },
      async (request, reply) => {
        const { intentId } = request.params
        const seconds = preferWait(request, reply)
        const seen = request.headers['if-none-match']
        const isNews = (intent: Intent) =>
          seen === undefined ? !isInProgress(intent) : seen !== etagOf(intent.version)
        const watch = watchIntent(postgres, intentId)
        try {
          const found = await postgres.read(tx => findIntent(tx, intentId))
          if (found?.userId !== userOf(request).userId) return fail(chassis.notFound())
          const news = isNews(found)
            ? undefined
            : await watch.until(isNews, seconds, requestSignal(request, reply))
          const intent = news ?? found
          reply.header('etag', etagOf(intent.version))
          return viewOf(intent)
        } finally {
          watch.stop()
        }
      },
    )

    app.post(
      '/v1/payment-intents/:intentId/confirm',
      {
        config: { access: 'user', rateLimit: { policy: 'confirm' } },
        schema: {
          tags,
          summary: 'Tries to pay with a token of the provider or a kept card',
          description:
            'Needs `Idempotency-Key`. The answer is that of the beginning; with `Prefer: wait=N` it ' +
            'is held until the provider has decided. Follow `Location` for the outcome.',
          params,
          body: Type.Union([
            Type.Object({ token: TokenField }),
            Type.Object({ paymentMethodId: PaymentMethodId }),
          ]),
          response: { 202: IntentView, ...problems(400, 401, 404, 409, 422, 429) },
        },
      },
      async (request, reply) => {
        const { intentId } = request.params
        const seconds = preferWait(request, reply)
        const userId = asId<UserId>(userOf(request).userId)
        const means = request.body
        const watch = watchIntent(postgres, intentId)
        try {
          await idempotent(
            request,
            reply,
            postgres,
            once => confirmIntent({ ...deps, postgres: once }, { intentId, userId, means }),
            intent => ({
              status: 202,
              headers: {
                location: `/v1/payment-intents/${intentId}`,
                etag: etagOf(intent.version),
              },
              body: viewOf(intent),
            }),
            async ({ status }) => {
              if (status !== 202) return
              const isSettled = (intent: Intent) => !isInProgress(intent)
              await watch.until(isSettled, seconds, requestSignal(request, reply))
            },
          )
        } finally {
          watch.stop()
        }
        return reply
      },
    )
  }
}
