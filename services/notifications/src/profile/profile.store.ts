import type { UserId } from '@campus/contracts/ids'
import type { Tx } from '@campus/platform/data/postgres'
import { eq, sql } from 'drizzle-orm'
import { profileCopy } from '../schema.ts'
import type { Profile } from './profile.ts'

/** Saves a newer version; an older one, or one after the tombstone, changes nothing. */
export async function saveProfile(
  tx: Tx,
  row: Profile & { readonly userId: UserId; readonly version: number },
): Promise<void> {
  const { userId, version, email, name, locale } = row
  await tx
    .insert(profileCopy)
    .values({ userId, version, email, name, locale })
    .onConflictDoUpdate({
      target: profileCopy.userId,
      set: { version, email, name, locale },
      setWhere: sql`${profileCopy.version} < ${version} and ${profileCopy.erasedAt} is null`,
    })
}

/** Forgets a person for good. */
export async function eraseProfile(tx: Tx, userId: UserId, now: Date): Promise<void> {
  const empty = { email: null, name: null, locale: null, erasedAt: now }
  await tx
    .insert(profileCopy)
    .values({ userId, version: 0, ...empty })
    .onConflictDoUpdate({ target: profileCopy.userId, set: empty })
}

/** The language of a person; undefined for somebody nobody has told of. */
export async function localeOf(tx: Tx, userId: UserId): Promise<string | undefined> {
  const [row] = await tx
    .select({ locale: profileCopy.locale })
    .from(profileCopy)
    .where(eq(profileCopy.userId, userId))
  return row?.locale ?? undefined
}
