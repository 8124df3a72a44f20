import { userSuspended } from '@campus/contracts/events/users'
import type { UserId } from '@campus/contracts/ids'
import { chassis, fail, refuseAll } from '@campus/platform/errors'
import { emit } from '@campus/platform/events/outbox'
import type { Account } from '../account/account.ts'
import { profileOf } from '../account/profile.ts'
import { refuse } from '../errors.ts'
import type { DirectoryDeps } from './change-roles.command.ts'
import { hasOtherAdmin, revokeTokens } from './directory.store.ts'
import { decideSuspension, type SuspensionCode } from './suspension.ts'

/**
 * Locks an account out: its sessions end, no refresh works, and every service refuses its tokens within
 * seconds. Suspending it again changes nothing.
 *
 * @throws AppError `request.not_found`, `users.last_admin`, `users.account_unverified`,
 *   `users.account_leaving`
 */
export async function suspendAccount(
  { postgres, clock, accounts }: DirectoryDeps,
  suspension: {
    readonly userId: UserId
    readonly code: SuspensionCode
    /** The admin who does it. */
    readonly by: UserId
  },
): Promise<Account> {
  const { userId, code, by } = suspension
  return postgres.transaction(async tx => {
    // Two admins who suspend each other at the same time must not both succeed: U4.
    await accounts.lockAdmins(tx)
    const account = await accounts.lockAccount(tx, userId)
    if (account === undefined) return fail(chassis.notFound())
    if (decideSuspension(account) === 'nothing_to_do') return account
    const isAdmin = account.roles.includes('admin')
    refuseAll(isAdmin && !(await hasOtherAdmin(tx, userId)) ? [refuse.last_admin()] : [])
    const now = clock.now()
    const saved = await accounts.saveAccount(tx, account, { state: 'suspended' }, now)
    await accounts.endSessions(tx, userId, now)
    // Also the tokens of sessions that ended before and are still alive.
    await revokeTokens(tx, userId, 'suspended', now)
    const told = userSuspended.of({ userId, code, by: { type: 'user', id: by } })
    // The version of the profile is that of the account.
    emit(tx, told, profileOf(saved))
    return saved
  })
}
