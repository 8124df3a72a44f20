import type { Role as RoleSchema } from '@campus/contracts/events/users'
import type { UserId } from '@campus/contracts/ids'
import type { Static } from 'typebox'

/** What an account may do. */
export type Role = Static<typeof RoleSchema>

/** `unverified → active ⇄ suspended`, `active | suspended → erasing → erased`. */
export type AccountState = 'unverified' | 'active' | 'suspended' | 'erasing' | 'erased'

/** What a person chooses when registering. */
export interface Registration {
  readonly name: string
  /** BCP 47. */
  readonly locale: string
  /** PHC string. */
  readonly passwordHash: string
}

/** A person who can log in. */
export interface Account extends Registration {
  readonly id: UserId
  /** Normalised; see `normalEmail`. */
  readonly email: string
  readonly roles: readonly Role[]
  readonly state: AccountState
  /** Raised by each change; the ETag, and the version of the profile. */
  readonly version: number
  readonly createdAt: Date
}

/** What verification of the address grants. */
export const rolesOfVerified: readonly Role[] = ['student']

/** The roles that count now: an account that is not active has none, whatever it was granted. */
export function heldRoles({ state, roles }: Pick<Account, 'state' | 'roles'>): readonly Role[] {
  return state === 'active' ? roles : []
}

/** Whether a session may be opened or kept. An unverified account may: it holds no role. */
export function mayLogIn({ state }: Pick<Account, 'state'>): boolean {
  switch (state) {
    case 'unverified':
    case 'active':
      return true
    case 'suspended':
    case 'erasing':
    case 'erased':
      return false
  }
}
