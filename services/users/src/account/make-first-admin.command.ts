import { createHash, timingSafeEqual } from 'node:crypto'
import { emailVerified, userRegistered } from '@campus/contracts/events/users'
import type { UserId } from '@campus/contracts/ids'
import type { Clock } from '@campus/platform/clock'
import type { Postgres } from '@campus/platform/data/postgres'
import { chassis, fail, refuseAll } from '@campus/platform/errors'
import { emit } from '@campus/platform/events/outbox'
import { newId } from '@campus/platform/new-id'
import { refuse } from '../errors.ts'
import type { Passwords } from '../passwords.ts'
import { hasAdmin, insertAccount, lockAdmins } from './account.store.ts'
import type { Account, Role } from './account.ts'
import { requireGoodPassword } from './password-rules.ts'
import { profileOf } from './profile.ts'

export interface FirstAdminDeps {
  readonly postgres: Postgres
  readonly clock: Clock
  readonly passwords: Passwords
  /** Undefined when the first admin is not made this way. */
  readonly firstAdminSecret: string | undefined
}

/**
 * Makes the first admin, whose address counts as confirmed. Once there is an admin this does not
 * exist any more, whatever the secret.
 *
 * @throws AppError `request.not_found`, `users.first_admin_secret_wrong`, `users.email_taken` and
 *   those of a bad password
 */
export async function makeFirstAdmin(
  { postgres, clock, passwords, firstAdminSecret }: FirstAdminDeps,
  person: {
    readonly secret: string
    readonly email: string
    readonly password: string
    readonly name: string
  },
): Promise<Account> {
  const { secret, email, password, name } = person
  if (firstAdminSecret === undefined || (await postgres.read(hasAdmin))) {
    return fail(chassis.notFound())
  }
  refuseAll(isEqual(secret, firstAdminSecret) ? [] : [refuse.first_admin_secret_wrong()])
  requireGoodPassword(password, [email, name])
  const passwordHash = await passwords.hash(password)
  return postgres.transaction(async tx => {
    await lockAdmins(tx)
    // Another request may have been first.
    if (await hasAdmin(tx)) return fail(chassis.notFound())
    const roles: Role[] = ['admin']
    const account: Account = {
      id: newId<UserId>(),
      email,
      name,
      locale: 'en',
      passwordHash,
      roles,
      state: 'active',
      version: 1,
      createdAt: clock.now(),
    }
    if (!(await insertAccount(tx, account))) return fail(refuse.email_taken())
    const { id: userId, locale } = account
    emit(
      tx,
      userRegistered.of({ userId, locale }),
      emailVerified.of({ userId, roles }),
      profileOf(account),
    )
    return account
  })
}

/** Compares digests, so that neither length nor prefix shows in the time it takes. */
function isEqual(a: string, b: string): boolean {
  const [left, right] = [a, b].map(text => createHash('sha256').update(text).digest())
  return left !== undefined && right !== undefined && timingSafeEqual(left, right)
}
