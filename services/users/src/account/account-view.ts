import { Role } from '@campus/contracts/events/users'
import { Locale } from '@campus/contracts/fields'
import { UserId } from '@campus/contracts/ids'
import { type Static, Type } from 'typebox'
import { type Account, heldRoles } from './account.ts'

/** Who somebody is, as far as access goes. */
export const Identity = Type.Object({
  id: UserId,
  roles: Type.Array(Role, { description: 'None before the e-mail address is confirmed' }),
})

/** An account as its owner sees it. */
export const AccountView = Type.Object({
  ...Identity.properties,
  email: Type.String(),
  name: Type.String(),
  locale: Locale,
  status: Type.Union(
    [
      Type.Literal('unverified'),
      Type.Literal('active'),
      Type.Literal('suspended'),
      Type.Literal('erasing'),
      Type.Literal('erased'),
    ],
    { description: 'Only an active account has roles' },
  ),
  version: Type.Integer({ description: 'The ETag' }),
  createdAt: Type.String({ format: 'date-time' }),
})
export type AccountView = Static<typeof AccountView>

export function identityOf(account: Account): Static<typeof Identity> {
  return { id: account.id, roles: [...heldRoles(account)] }
}

export function viewOf(account: Account): AccountView {
  const { email, name, locale, state, version, createdAt } = account
  return {
    ...identityOf(account),
    email,
    name,
    locale,
    status: state,
    version,
    createdAt: createdAt.toISOString(),
  }
}
