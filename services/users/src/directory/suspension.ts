import type { SuspensionCode as CodeSchema } from '@campus/contracts/events/users'
import { fail } from '@campus/platform/errors'
import type { Static } from 'typebox'
import type { Account } from '../account/account.ts'
import { refuse } from '../errors.ts'

/** Why an account was suspended. */
export type SuspensionCode = Static<typeof CodeSchema>

/**
 * Decides what suspending an account means: `active → suspended`.
 *
 * @throws AppError `users.account_unverified`, because it holds no role and nobody knows whose it is;
 *   `users.account_leaving`, because its owner has asked to be forgotten
 */
export function decideSuspension({ state }: Pick<Account, 'state'>): 'suspend' | 'nothing_to_do' {
  switch (state) {
    case 'active':
      return 'suspend'
    case 'suspended':
      return 'nothing_to_do'
    case 'unverified':
      return fail(refuse.account_unverified())
    case 'erasing':
    case 'erased':
      return fail(refuse.account_leaving())
  }
}

/**
 * Decides what reinstating an account means: `suspended → active`.
 *
 * @throws AppError `users.account_unverified`, `users.account_leaving`
 */
export function decideReinstatement({
  state,
}: Pick<Account, 'state'>): 'reinstate' | 'nothing_to_do' {
  switch (state) {
    case 'suspended':
      return 'reinstate'
    case 'active':
      return 'nothing_to_do'
    case 'unverified':
      return fail(refuse.account_unverified())
    case 'erasing':
    case 'erased':
      return fail(refuse.account_leaving())
  }
}
