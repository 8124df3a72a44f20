import type { IntentId, UserId } from '@campus/contracts/ids'
import type { Clock } from '@campus/platform/clock'
import type { Postgres } from '@campus/platform/data/postgres'
import { chassis, fail } from '@campus/platform/errors'
import { newId } from '@campus/platform/new-id'
import type { AttemptId } from '../psp/provider.ts'
import { isKnownToken } from '../psp/scenario.ts'
import { type Book, carryOut } from './carry-out.command.ts'
import { lockIntent } from './intent.store.ts'
import type { Intent } from './intent.ts'
import { decideConfirmation } from './lifecycle.ts'

/**
 * Begins an attempt of `userId` to pay. The provider is asked afterwards, outside the transaction.
 *
 * @throws AppError `request.not_found` for an unknown intent and for somebody else's, and all reasons
 *   of `decideConfirmation`
 */
export async function confirmIntent(
  { postgres, clock, book }: { postgres: Postgres; clock: Clock; book: Book },
  wish: { readonly intentId: IntentId; readonly userId: UserId; readonly token: string },
): Promise<Intent> {
  const { intentId, userId, token } = wish
  return postgres.transaction(async tx => {
    const intent = await lockIntent(tx, intentId)
    if (intent?.userId !== userId) return fail(chassis.notFound())
    const now = clock.now()
    const attempt = { attemptId: newId<AttemptId>(), isTokenKnown: isKnownToken(token), now }
    return carryOut(tx, book, intent, decideConfirmation(intent, attempt), now, token)
  })
}
