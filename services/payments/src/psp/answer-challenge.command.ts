import type { ChallengeId, IntentId, UserId } from '@campus/contracts/ids'
import type { Tx } from '@campus/platform/data/postgres'
import { chassis, fail } from '@campus/platform/errors'
import { refuse } from '../errors.ts'
import { lockChallenged } from './psp.store.ts'
import { advance, type PspDeps } from './simulate-provider.command.ts'

export interface ChallengeDeps extends PspDeps {
  /** Whether a payment is that of `userId`. */
  readonly isOwn: (tx: Tx, intentId: IntentId, userId: UserId) => Promise<boolean>
}

export interface ChallengeAnswer {
  readonly challengeId: ChallengeId
  readonly userId: UserId
  readonly outcome: 'pass' | 'fail'
}

/**
 * Answers the question by which a bank makes sure that the buyer is the owner of the card. The
 * provider tells what came of it by a webhook.
 *
 * @throws AppError `request.not_found` for an unknown challenge and for somebody else's,
 *   `payments.challenge_over`
 */
export async function answerChallenge(
  deps: ChallengeDeps,
  { challengeId, userId, outcome }: ChallengeAnswer,
): Promise<void> {
  await deps.postgres.transaction(async tx => {
    const payment = await lockChallenged(tx, challengeId)
    if (payment === undefined || !(await deps.isOwn(tx, payment.intentId, userId))) {
      return fail(chassis.notFound())
    }
    if (payment.state !== 'requires_action') return fail(refuse.challenge_over())
    await advance(
      tx,
      deps,
      payment,
      outcome === 'pass'
        ? { ...payment, state: 'authorized' }
        : { ...payment, state: 'declined', declineCode: 'challenge_failed' },
    )
  })
}
