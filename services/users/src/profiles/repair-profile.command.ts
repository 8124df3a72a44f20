import { tombstone } from '@campus/contracts/envelope'
import { profileSaved } from '@campus/contracts/events/users'
import type { UserId } from '@campus/contracts/ids'
import type { Postgres, Tx } from '@campus/platform/data/postgres'
import { emit } from '@campus/platform/events/outbox'
import type { Account } from '../account/account.ts'
import { profileOf } from '../account/profile.ts'
import { hasProfile } from './published-profile.ts'

export interface RepairDeps {
  readonly postgres: Postgres
  /** The account, which nobody changes until the end of the transaction. */
  readonly holdAccount: (tx: Tx, id: UserId) => Promise<Account | undefined>
}

/**
 * Publishes the profile of an account as it is now, or a tombstone when there is none. What changed in the
 * meantime was published by that change already, and once more does no harm.
 */
export async function repairProfile(
  { postgres, holdAccount }: RepairDeps,
  userId: UserId,
): Promise<void> {
  await postgres.transaction(async tx => {
    const account = await holdAccount(tx, userId)
    const isOwned = account !== undefined && hasProfile(account)
    emit(tx, isOwned ? profileOf(account) : tombstone(profileSaved, userId))
  })
}
