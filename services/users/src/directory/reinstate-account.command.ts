import { userReinstated } from '@campus/contracts/events/users'
import type { UserId } from '@campus/contracts/ids'
import { chassis, fail } from '@campus/platform/errors'
import { emit } from '@campus/platform/events/outbox'
import type { Account } from '../account/account.ts'
import { profileOf } from '../account/profile.ts'
import type { DirectoryDeps } from './change-roles.command.ts'
import { decideReinstatement } from './suspension.ts'

/**
 * Lets a suspended account in again, with the roles that it had. One that is active stays as it is.
 *
 * @throws AppError `request.not_found`, `users.account_unverified`, `users.account_leaving`
 */
export async function reinstateAccount(
  { postgres, clock, accounts }: DirectoryDeps,
  { userId, by }: { readonly userId: UserId; readonly by: UserId },
): Promise<Account> {
  return postgres.transaction(async tx => {
    const account = await accounts.lockAccount(tx, userId)
    if (account === undefined) return fail(chassis.notFound())
    if (decideReinstatement(account) === 'nothing_to_do') return account
    const saved = await accounts.saveAccount(tx, account, { state: 'active' }, clock.now())
    const told = userReinstated.of({ userId, by: { type: 'user', id: by } })
    emit(tx, told, profileOf(saved))
    return saved
  })
}
