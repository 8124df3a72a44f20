import { rolesChanged } from '@campus/contracts/events/users'
import type { UserId } from '@campus/contracts/ids'
import type { Clock } from '@campus/platform/clock'
import type { Postgres, Tx } from '@campus/platform/data/postgres'
import { chassis, fail, refuseAll } from '@campus/platform/errors'
import { emit } from '@campus/platform/events/outbox'
import type { Account, AccountState, Role } from '../account/account.ts'
import { profileOf } from '../account/profile.ts'
import { refuse } from '../errors.ts'
import { hasOtherAdmin, revokeTokens } from './directory.store.ts'

/** What the directory needs of accounts. */
export interface Accounts {
  findAccount(tx: Tx, id: UserId): Promise<Account | undefined>
  lockAccount(tx: Tx, id: UserId): Promise<Account | undefined>
  saveAccount(
    tx: Tx,
    account: Account,
    change: { readonly roles?: Role[]; readonly state?: AccountState },
    now: Date,
  ): Promise<Account>
  /** Serialises everything that decides by who is an admin. */
  lockAdmins(tx: Tx): Promise<void>
  /** Ends every session of an account that is suspended. */
  endSessions(tx: Tx, id: UserId, now: Date): Promise<void>
}

export interface DirectoryDeps {
  readonly postgres: Postgres
  readonly clock: Clock
  readonly accounts: Accounts
}

/**
 * Gives an account exactly these roles. Its access tokens are void within seconds, so that no service
 * goes on with the old ones.
 *
 * @throws AppError `request.not_found`, `users.last_admin`, `users.account_unverified` and whatever
 *   `requireSeen` throws
 */
export async function changeRoles(
  { postgres, clock, accounts }: DirectoryDeps,
  change: {
    readonly userId: UserId
    readonly roles: readonly Role[]
    /** The admin who does it. */
    readonly by: UserId
    /** @throws AppError when the caller has not read this version */
    readonly requireSeen: (account: Account) => void
  },
): Promise<Account> {
  const { userId, by, requireSeen } = change
  const roles = [...new Set(change.roles)].toSorted()
  return postgres.transaction(async tx => {
    // Two admins who take the role from each other at the same time must not both succeed.
    await accounts.lockAdmins(tx)
    const account = await accounts.lockAccount(tx, userId)
    if (account === undefined) return fail(chassis.notFound())
    requireSeen(account)
    const isDemotion = account.roles.includes('admin') && !roles.includes('admin')
    const isLast = isDemotion && !(await hasOtherAdmin(tx, userId))
    refuseAll([
      ...(account.state === 'unverified' ? [refuse.account_unverified()] : []),
      ...(isLast ? [refuse.last_admin()] : []),
    ])
    const now = clock.now()
    const saved = await accounts.saveAccount(tx, account, { roles }, now)
    await revokeTokens(tx, userId, 'roles_changed', now)
    const old = [...account.roles].toSorted()
    const told = rolesChanged.of({ userId, old, new: roles, by: { type: 'user', id: by } })
    // Nobody is told of a change that is none. The version of the profile is that of the account.
    emit(tx, ...(old.join() === roles.join() ? [] : [told]), profileOf(saved))
    return saved
  })
}
