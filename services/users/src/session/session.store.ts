import {
  refreshReuseDetected,
  sessionAccessRevoked,
  sessionRevoked,
} from '@campus/contracts/events/users'
import type { SessionId, UserId } from '@campus/contracts/ids'
import type { Tx } from '@campus/platform/data/postgres'
import { emit } from '@campus/platform/events/outbox'
import { and, desc, eq, gt, inArray, lt, lte, ne, type SQL } from 'drizzle-orm'
import { refreshToken, session } from '../schema.ts'
import type { EndCause, RefreshToken, Session } from './session.ts'

/** Longest life of an access token and a minute, by which clocks may differ. */
const revokedMs = (600 + 60) * 1_000

/** A row of a new token. */
export interface NewToken {
  readonly id: string
  readonly hash: string
  readonly sid: SessionId
}

/** Opens a session with its first token. */
export async function insertSession(
  tx: Tx,
  row: Session & { readonly openedAt: Date },
  token: NewToken,
): Promise<void> {
  await tx.insert(session).values(row)
  await insertToken(tx, token, row.openedAt)
}

export async function insertToken(tx: Tx, token: NewToken, now: Date): Promise<void> {
  await tx.insert(refreshToken).values({ ...token, createdAt: now })
}

/**
 * The token with this hash and its session, both locked: of several requests with one token each sees
 * what the one before it did.
 */
export async function lockByToken(
  tx: Tx,
  hash: string,
): Promise<{ readonly session: Session; readonly token: RefreshToken } | undefined> {
  const [row] = await tx
    .select({ session, token: refreshToken })
    .from(refreshToken)
    .innerJoin(session, eq(session.sid, refreshToken.sid))
    .where(eq(refreshToken.hash, hash))
    .for('update')
  return row
}

export async function isTokenUsed(tx: Tx, id: string): Promise<boolean> {
  const [row] = await tx
    .select({ usedAt: refreshToken.usedAt })
    .from(refreshToken)
    .where(eq(refreshToken.id, id))
  // A token that is not there is no reason to be generous.
  return row === undefined || row.usedAt !== null
}

/** Marks a locked token as used. */
export async function useToken(
  tx: Tx,
  { id }: RefreshToken,
  successorId: string,
  now: Date,
): Promise<void> {
  await tx.update(refreshToken).set({ usedAt: now, successorId }).where(eq(refreshToken.id, id))
}

/** Ends one live session and publishes it; one that is over stays as it is. */
export async function endSession(
  tx: Tx,
  sid: SessionId,
  cause: EndCause,
  now: Date,
): Promise<void> {
  await end(tx, eq(session.sid, sid), cause, now)
}

/** Ends a live session of `userId`. @returns whether there was one */
export async function endOwnSession(
  tx: Tx,
  { sid, userId }: Pick<Session, 'sid' | 'userId'>,
  cause: EndCause,
  now: Date,
): Promise<boolean> {
  const count = await end(tx, and(eq(session.sid, sid), eq(session.userId, userId)), cause, now)
  return count > 0
}

/** Ends every live session of an account, but for `except`. */
export async function endSessionsOf(
  tx: Tx,
  userId: UserId,
  cause: EndCause,
  now: Date,
  except?: SessionId,
): Promise<void> {
  const isOther = except === undefined ? undefined : ne(session.sid, except)
  await end(tx, and(eq(session.userId, userId), isOther), cause, now)
}

/** Live sessions of an account, the newest first. */
export async function liveSessionsOf(
  tx: Tx,
  { userId, now }: { readonly userId: UserId; readonly now: Date },
  after: SessionId | undefined,
  max: number,
): Promise<(Session & { readonly openedAt: Date })[]> {
  return tx
    .select()
    .from(session)
    .where(
      and(
        eq(session.userId, userId),
        eq(session.state, 'live'),
        // The sweep ends them a little later than they are over.
        gt(session.expiresAt, now),
        after === undefined ? undefined : lt(session.sid, after),
      ),
    )
    .orderBy(desc(session.sid))
    .limit(max)
}

/** Ends sessions past their time. @returns how many, at most `max` */
export async function expireSessions(tx: Tx, now: Date, max: number): Promise<number> {
  const due = tx
    .select({ sid: session.sid })
    .from(session)
    .where(and(eq(session.state, 'live'), lte(session.expiresAt, now)))
    .limit(max)
    .for('update', { skipLocked: true })
  return end(tx, inArray(session.sid, due), 'expired', now)
}

/** Forgets sessions that ended before `before`, with their tokens. */
export async function deleteEnded(tx: Tx, before: Date, max: number): Promise<number> {
  const old = tx
    .select({ sid: session.sid })
    .from(session)
    .where(and(ne(session.state, 'live'), lt(session.endedAt, before)))
    .limit(max)
    .for('update', { skipLocked: true })
  const { rowCount } = await tx.delete(session).where(inArray(session.sid, old))
  return rowCount ?? 0
}

/** Notes that a family's old token was used by somebody. */
export async function tellReuse(tx: Tx, { sid, userId }: Session): Promise<void> {
  emit(tx, refreshReuseDetected.of({ userId, familyId: sid }))
}

async function end(tx: Tx, which: SQL | undefined, cause: EndCause, now: Date): Promise<number> {
  const state = cause === 'expired' ? ('expired' as const) : ('revoked' as const)
  const ended = await tx
    .update(session)
    .set({ state, endedAt: now })
    .where(and(which, eq(session.state, 'live')))
    .returning({ sid: session.sid, userId: session.userId })
  const untilAt = new Date(now.getTime() + revokedMs).toISOString()
  const notBeforeAt = now.toISOString()
  emit(
    tx,
    ...ended.flatMap(({ sid, userId }) => [
      sessionRevoked.of({ userId, sid, cause }),
      sessionAccessRevoked.of({ sid, userId, notBeforeAt, untilAt, cause }),
    ]),
  )
  return ended.length
}
