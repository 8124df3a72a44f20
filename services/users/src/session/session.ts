import type { SessionKind as KindSchema, RevocationCause } from '@campus/contracts/events/users'
import type { SessionId, UserId } from '@campus/contracts/ids'
import type { Static } from 'typebox'

// A session is a family of refresh tokens, of which one is unused at any time:
//
//   live → revoked     logout, reset, suspension, or the reuse of an old token
//   live → expired     30 days after the login, however often it was refreshed
//
// Using a token makes its one successor. A client that lost the answer, or asked twice at the same
// time, repeats the token: for 10 s, and while the successor is unused, it gets the same successor.
// Any other use of an old token means that two parties hold the family, so it ends.

export type SessionKind = Static<typeof KindSchema>
export type SessionState = 'live' | 'revoked' | 'expired'

/** Why a session ends. */
export type EndCause = Static<typeof RevocationCause>

/** Life of a session; refreshing does not prolong it. */
export const sessionDays = 30

/** A token may be repeated for so long after its first use. */
export const graceMs = 10_000

/** One login on one device. */
export interface Session {
  readonly sid: SessionId
  readonly userId: UserId
  readonly kind: SessionKind
  readonly state: SessionState
  readonly expiresAt: Date
}

/** One token of a family; the token itself is derived from `id`. */
export interface RefreshToken {
  readonly id: string
  readonly usedAt: Date | null
  readonly successorId: string | null
}

export type Refresh =
  | { readonly kind: 'rotate' }
  | { readonly kind: 'repeat'; readonly successorId: string }
  | { readonly kind: 'reuse' }
  | { readonly kind: 'over' }

/**
 * Decides what using `token` at `now` means.
 *
 * @param isSuccessorUsed whether its successor was used in turn; false without a successor
 */
export function decideRefresh(
  { state, expiresAt }: Pick<Session, 'state' | 'expiresAt'>,
  { usedAt, successorId }: RefreshToken,
  isSuccessorUsed: boolean,
  now: Date,
): Refresh {
  if (state !== 'live' || expiresAt <= now) return { kind: 'over' }
  if (usedAt === null || successorId === null) return { kind: 'rotate' }
  const isInGrace = now.getTime() - usedAt.getTime() <= graceMs
  return isInGrace && !isSuccessorUsed ? { kind: 'repeat', successorId } : { kind: 'reuse' }
}
