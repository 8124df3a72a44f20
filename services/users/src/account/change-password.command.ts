import { passwordChanged } from '@campus/contracts/events/users'
import type { UserId } from '@campus/contracts/ids'
import type { Clock } from '@campus/platform/clock'
import type { Postgres, Tx } from '@campus/platform/data/postgres'
import { chassis, fail, refuseAll } from '@campus/platform/errors'
import { emit } from '@campus/platform/events/outbox'
import { refuse } from '../errors.ts'
import type { Passwords } from '../passwords.ts'
import { findAccount, lockAccount, saveAccount } from './account.store.ts'
import type { Account } from './account.ts'
import { requireGoodPassword } from './password-rules.ts'
import { dropTokensOf } from './password-token.store.ts'
import { profileOf } from './profile.ts'

export interface PasswordDeps {
  readonly postgres: Postgres
  readonly clock: Clock
  readonly passwords: Passwords
  /** Ends every session of an account. */
  readonly endSessions: (tx: Tx, userId: UserId, now: Date) => Promise<void>
}

/**
 * Changes the password of somebody who knows the present one, and ends every session, this one too:
 * whoever else was logged in is out.
 *
 * @throws AppError `users.password_wrong`, `server.overloaded` and those of a bad password
 */
export async function changePassword(
  deps: PasswordDeps,
  change: { readonly userId: UserId; readonly present: string; readonly password: string },
): Promise<void> {
  const { postgres, passwords } = deps
  const { userId, present, password } = change
  const found = await postgres.read(tx => findAccount(tx, userId))
  if (found === undefined) return fail(chassis.notFound())
  const isRight = await passwords.verify(present, found.passwordHash)
  refuseAll(isRight ? [] : [refuse.password_wrong()])
  requireGoodPassword(password, [found.email, found.name])
  const passwordHash = await passwords.hash(password)
  await postgres.transaction(async tx => {
    const account = await lockAccount(tx, userId)
    // Changed by another request since it was checked.
    if (account?.passwordHash !== found.passwordHash) return fail(refuse.password_wrong())
    await replacePassword(tx, deps, account, passwordHash)
  })
}

/** Stores a new password of a locked account; what was opened or mailed before is void. */
export async function replacePassword(
  tx: Tx,
  { clock, endSessions }: Pick<PasswordDeps, 'clock' | 'endSessions'>,
  account: Account,
  passwordHash: string,
): Promise<void> {
  const now = clock.now()
  const saved = await saveAccount(tx, account, { passwordHash }, now)
  await dropTokensOf(tx, account.id)
  await endSessions(tx, account.id, now)
  // The version of the profile is that of the account.
  emit(tx, passwordChanged.of({ userId: account.id }), profileOf(saved))
}
