import { asId, type UserId } from '@campus/contracts/ids'
import type { Account } from '../account/account.ts'

// The topic of profiles is compacted: an old value that is sent once more, late, is the last value of its
// key for ever, and may even undo a tombstone. Readers that follow keep the highest version and notice
// nothing; a reader that begins afterwards sees what is left. So the topic is compared with the accounts.

/** What is wrong with the last value of a key. */
export type Flaw = 'missing' | 'outdated' | 'stray'

/** The part of an account that its profile follows. */
export type Owner = Pick<Account, 'id' | 'version' | 'state'>

/** Version of the last value of each key; null is a tombstone, -1 a value that cannot be read. */
export type LastVersions = ReadonlyMap<string, number | null>

/** Whether an account has a profile that others may copy. */
export function hasProfile({ state }: Pick<Owner, 'state'>): boolean {
  return state !== 'erasing' && state !== 'erased'
}

/** Record key of a person's profile. */
export function profileKey(userId: UserId): string {
  return `user:${userId}`
}

/** Whose profile a record key names; undefined for a key that is none of ours. */
export function ownerOf(key: string): UserId | undefined {
  const [aggregate, id = ''] = key.split(':')
  if (aggregate !== 'user') return undefined
  try {
    return asId<UserId>(id)
  } catch {
    return undefined
  }
}

/** What is wrong with the last value of an account's key; undefined when nothing is. */
export function flawOf(owner: Owner, last: LastVersions): Flaw | undefined {
  const version = last.get(profileKey(owner.id)) ?? undefined
  if (!hasProfile(owner)) return version === undefined ? undefined : 'stray'
  if (version === undefined) return 'missing'
  // Also when the account is older than its profile: then nobody else could have told that version.
  return version === owner.version ? undefined : 'outdated'
}

/** Version of a published profile, from the bytes of its record. */
export function versionIn(value: Buffer | null): number | null {
  if (value === null) return null
  try {
    const version: unknown = Object(JSON.parse(value.toString('utf8'))).version
    return typeof version === 'number' ? version : -1
  } catch {
    return -1
  }
}
