import type { UserId } from '@campus/contracts/ids'
import type { Clock } from '@campus/platform/clock'
import type { Postgres } from '@campus/platform/data/postgres'
import { chassis, fail } from '@campus/platform/errors'
import { emit } from '@campus/platform/events/outbox'
import { lockAccount, saveAccount } from './account.store.ts'
import type { Account } from './account.ts'
import { profileOf } from './profile.ts'

/**
 * Changes name and locale.
 *
 * @throws AppError `request.not_found` and whatever `requireSeen` throws
 */
export async function changeProfile(
  { postgres, clock }: { readonly postgres: Postgres; readonly clock: Clock },
  change: {
    readonly userId: UserId
    readonly name?: string
    readonly locale?: string
    /** @throws AppError when the caller has not read this version */
    readonly requireSeen: (account: Account) => void
  },
): Promise<Account> {
  return postgres.transaction(async tx => {
    const account = await lockAccount(tx, change.userId)
    if (account === undefined) return fail(chassis.notFound())
    change.requireSeen(account)
    const { name = account.name, locale = account.locale } = change
    if (name === account.name && locale === account.locale) return account
    const saved = await saveAccount(tx, account, { name, locale }, clock.now())
    emit(tx, profileOf(saved))
    return saved
  })
}
