import {
  emailVerified,
  passwordChanged,
  refreshReuseDetected,
  rolesChanged,
  userReinstated,
  userSuspended,
} from '@campus/contracts/events/users'
import { type Handler, on } from '@campus/platform/events/consumer'
import type { Teller } from './notify.command.ts'

/** What people are told of their account, most of it whether they want it or not. */
export function accountNews({ notify }: Teller): Handler[] {
  return [
    on(emailVerified, async ({ tx, event, now }) => {
      const { userId } = event.data
      notify(tx, { event, to: userId, message: { kind: 'welcome' }, now })
    }),
    on(passwordChanged, async ({ tx, event, now }) => {
      const { userId } = event.data
      notify(tx, { event, to: userId, message: { kind: 'password_changed' }, now })
    }),
    on(refreshReuseDetected, async ({ tx, event, now }) => {
      const { userId } = event.data
      notify(tx, { event, to: userId, message: { kind: 'refresh_reused' }, now })
    }),
    on(rolesChanged, async ({ tx, event, now }) => {
      const { userId, new: roles } = event.data
      notify(tx, { event, to: userId, message: { kind: 'roles_changed', roles }, now })
    }),
    on(userSuspended, async ({ tx, event, now }) => {
      const { userId, code } = event.data
      notify(tx, { event, to: userId, message: { kind: 'account_suspended', code }, now })
    }),
    on(userReinstated, async ({ tx, event, now }) => {
      const { userId } = event.data
      notify(tx, { event, to: userId, message: { kind: 'account_reinstated' }, now })
    }),
  ]
}
