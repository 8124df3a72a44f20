import { emailVerified } from '@campus/contracts/events/users'
import type { UserId } from '@campus/contracts/ids'
import type { Clock } from '@campus/platform/clock'
import type { Postgres, Tx } from '@campus/platform/data/postgres'
import { fail } from '@campus/platform/errors'
import { emit } from '@campus/platform/events/outbox'
import { refuse } from '../errors.ts'
import { hashOf } from '../vault.ts'
import { findEmailToken, lockAccount, saveAccount } from './account.store.ts'
import { type Account, rolesOfVerified } from './account.ts'
import { profileOf } from './profile.ts'

export interface VerifyDeps {
  readonly postgres: Postgres
  readonly clock: Clock
  /** Ends every session of an account. */
  readonly endSessions: (tx: Tx, userId: UserId, now: Date) => Promise<void>
}

/**
 * Confirms an address by the token that was mailed to it, and makes the account that of the
 * registration which asked for the mail: its name, its password. Sessions that were opened with
 * another password end.
 *
 * A second click is not an error: it answers the account and changes nothing.
 *
 * @throws AppError `users.email_token_invalid`
 */
export async function verifyEmail(
  { postgres, clock, endSessions }: VerifyDeps,
  token: string,
): Promise<Account> {
  return postgres.transaction(async tx => {
    const now = clock.now()
    const found = await findEmailToken(tx, hashOf(token), now)
    if (found === undefined) return fail(refuse.email_token_invalid())
    const account = await lockAccount(tx, found.userId)
    if (account === undefined) return fail(refuse.email_token_invalid())
    if (account.state !== 'unverified') return account

    const { name, locale, passwordHash } = found
    const roles = [...rolesOfVerified]
    const change = { name, locale, passwordHash, roles, state: 'active', verifiedAt: now } as const
    const saved = await saveAccount(tx, account, change, now)
    if (passwordHash !== account.passwordHash) await endSessions(tx, account.id, now)
    emit(tx, emailVerified.of({ userId: saved.id, roles }), profileOf(saved))
    return saved
  })
}
