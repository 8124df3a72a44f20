import { profileSaved } from '@campus/contracts/events/users'
import type { Account } from './account.ts'

/** The profile as other services may copy it: the only event with an e-mail address. */
export function profileOf({ id, email, name, locale, version }: Account) {
  return profileSaved.of({ userId: id, email, name, locale, version })
}
