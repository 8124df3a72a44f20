import type { UserId } from '@campus/contracts/ids'
import type { Postgres } from '@campus/platform/data/postgres'
import { lockPreference, savePreference } from './preference.store.ts'
import { type Choice, changesBetween, type Preference, switchedOffBy } from './preference.ts'

/**
 * Replaces what somebody has chosen. It holds for every mail that has not been sent yet.
 *
 * @throws AppError `notifications.category_mandatory` and whatever `requireSeen` throws
 */
export async function changePreferences(
  { postgres }: { readonly postgres: Postgres },
  change: {
    readonly userId: UserId
    readonly choice: Choice
    /** @throws AppError when the caller has not read this version */
    readonly requireSeen: (preference: Preference) => void
  },
): Promise<Preference> {
  const { userId, choice, requireSeen } = change
  return postgres.transaction(async tx => {
    const before = await lockPreference(tx, userId)
    requireSeen(before)
    const switchedOff = switchedOffBy(choice)
    const changes = changesBetween(before.switchedOff, switchedOff)
    if (changes.length === 0) return before
    const after = { version: before.version + 1, switchedOff }
    await savePreference(tx, userId, after, changes)
    return after
  })
}
