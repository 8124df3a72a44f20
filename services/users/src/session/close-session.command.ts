import type { SessionId } from '@campus/contracts/ids'
import type { Clock } from '@campus/platform/clock'
import type { Postgres } from '@campus/platform/data/postgres'
import { hashOf } from '../vault.ts'
import { endSession, lockByToken } from './session.store.ts'

/**
 * Logs out: no refresh works any more, and every service refuses the access tokens within seconds.
 * A session that is over, or a token that nobody knows, is no error: the caller is logged out.
 */
export async function closeSession(
  { postgres, clock }: { readonly postgres: Postgres; readonly clock: Clock },
  which: { readonly sid: SessionId | undefined; readonly refreshToken: string | undefined },
): Promise<void> {
  const { sid, refreshToken } = which
  await postgres.transaction(async tx => {
    const now = clock.now()
    if (sid !== undefined) await endSession(tx, sid, 'logout', now)
    if (refreshToken === undefined) return
    const locked = await lockByToken(tx, hashOf(refreshToken))
    if (locked !== undefined) await endSession(tx, locked.session.sid, 'logout', now)
  })
}
