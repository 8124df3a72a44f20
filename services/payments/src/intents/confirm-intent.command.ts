import type { IntentId, PaymentMethodId, UserId } from '@campus/contracts/ids'
import type { Clock } from '@campus/platform/clock'
import type { Postgres, Tx } from '@campus/platform/data/postgres'
import { chassis, fail } from '@campus/platform/errors'
import { newId } from '@campus/platform/new-id'
import { refuse } from '../errors.ts'
import type { AttemptId } from '../psp/provider.ts'
import { isKnownToken } from '../psp/scenario.ts'
import { type Book, carryOut } from './carry-out.command.ts'
import { lockIntent } from './intent.store.ts'
import type { Intent } from './intent.ts'
import { decideConfirmation } from './lifecycle.ts'

/** The token of somebody's own payment method; undefined when there is none. */
export type TokenOf = (
  tx: Tx,
  userId: UserId,
  paymentMethodId: PaymentMethodId,
) => Promise<string | undefined>

/** What somebody pays with. */
export type Means = { readonly token: string } | { readonly paymentMethodId: PaymentMethodId }

export interface ConfirmDeps {
  readonly postgres: Postgres
  readonly clock: Clock
  readonly book: Book
  readonly tokenOf: TokenOf
}

/**
 * Begins an attempt of `userId` to pay. The provider is asked afterwards, outside the transaction.
 *
 * @throws AppError `request.not_found` for an unknown intent and for somebody else's, and all reasons
 *   of `decideConfirmation`; `payments.method_unknown`
 */
export async function confirmIntent(
  { postgres, clock, book, tokenOf }: ConfirmDeps,
  wish: { readonly intentId: IntentId; readonly userId: UserId; readonly means: Means },
): Promise<Intent> {
  const { intentId, userId, means } = wish
  return postgres.transaction(async tx => {
    const intent = await lockIntent(tx, intentId)
    if (intent?.userId !== userId) return fail(chassis.notFound())
    const token = 'token' in means ? means.token : await tokenOf(tx, userId, means.paymentMethodId)
    if (token === undefined) return fail(refuse.method_unknown())
    const now = clock.now()
    const attempt = { attemptId: newId<AttemptId>(), isTokenKnown: isKnownToken(token), now }
    return carryOut(tx, book, intent, decideConfirmation(intent, attempt), now, token)
  })
}
