import { asId, ChallengeId, type UserId } from '@campus/contracts/ids'
import { userOf } from '@campus/platform/http/auth'
import { idempotent } from '@campus/platform/http/idempotency'
import { problems } from '@campus/platform/http/problem'
import type { App } from '@campus/platform/http/server'
import { Type } from 'typebox'
import { answerChallenge, type ChallengeDeps } from './answer-challenge.command.ts'

const Outcome = Type.Union([Type.Literal('pass'), Type.Literal('fail')])

/** The page of the bank, which a real provider would show. */
export function challengeRoutes(deps: ChallengeDeps) {
  return async (app: App): Promise<void> => {
    app.post(
      '/v1/psp/challenges/:challengeId',
      {
        config: { access: 'user' },
        schema: {
          tags: ['provider'],
          summary: 'Passes or fails the challenge of a payment',
          description:
            'Needs `Idempotency-Key`. What came of it is told by a webhook: read the payment with ' +
            '`If-None-Match` and `Prefer: wait=N`.',
          params: Type.Object({ challengeId: ChallengeId }),
          body: Type.Object({ outcome: Outcome }),
          response: {
            202: Type.Object({ challengeId: ChallengeId, outcome: Outcome }),
            ...problems(400, 401, 404, 409, 422),
          },
        },
      },
      async (request, reply) => {
        const { challengeId } = request.params
        const { outcome } = request.body
        const userId = asId<UserId>(userOf(request).userId)
        await idempotent(
          request,
          reply,
          deps.postgres,
          once => answerChallenge({ ...deps, postgres: once }, { challengeId, userId, outcome }),
          () => ({ status: 202, body: { challengeId, outcome } }),
        )
        return reply
      },
    )
  }
}
