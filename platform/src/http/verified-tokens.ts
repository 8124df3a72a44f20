import type { Clock } from '../clock.ts'
import type { User } from './auth.ts'
import type { KeySet } from './keys.ts'

// Verifying a signature costs about a tenth of a millisecond of CPU, more than all the rest of a small
// request. A token is used for many requests, so its verdict is kept: under the whole token, never
// under a digest of it, and only while the token is alive and its key is published.

/** The key that verified a token. */
export interface UsedKey {
  readonly kid: string
  /** In PEM. */
  readonly key: string
}

/** Tokens that were verified in full by this process. */
export interface VerifiedTokens {
  /** The user of a token that would be verified again with the same result, except for revocation. */
  userOf(token: string): Promise<User | undefined>
  /** @param expiresAtMs the earlier of `exp` and the greatest age */
  keep(token: string, entry: { user: User; used: UsedKey; expiresAtMs: number }): void
}

const tokensMax = 5_000

/** Creates an empty memory; beyond 5,000 tokens the oldest is forgotten. */
export function createVerifiedTokens(keys: KeySet, clock: Clock): VerifiedTokens {
  const entries = new Map<string, { user: User; used: UsedKey; expiresAtMs: number }>()
  return {
    async userOf(token) {
      const entry = entries.get(token)
      if (entry === undefined) return undefined
      const isAlive = clock.now().getTime() < entry.expiresAtMs
      if (isAlive && (await keys.keyOf(entry.used.kid)) === entry.used.key) return entry.user
      entries.delete(token)
      return undefined
    },
    keep(token, entry) {
      entries.set(token, entry)
      if (entries.size <= tokensMax) return
      const [oldest] = entries.keys()
      if (oldest !== undefined) entries.delete(oldest)
    },
  }
}
