import type { SessionId, UserId } from '@campus/contracts/ids'
import type { Clock } from '@campus/platform/clock'
import type { Postgres } from '@campus/platform/data/postgres'
import { chassis, fail } from '@campus/platform/errors'
import { endOwnSession, endSessionsOf } from './session.store.ts'

interface Deps {
  readonly postgres: Postgres
  readonly clock: Clock
}

/**
 * Ends one session of its owner.
 *
 * @throws AppError `request.not_found` for one that is over, and for somebody else's
 */
export async function endOneSession(
  { postgres, clock }: Deps,
  key: { readonly sid: SessionId; readonly userId: UserId },
): Promise<void> {
  const isEnded = await postgres.transaction(tx => endOwnSession(tx, key, 'logout', clock.now()))
  if (!isEnded) fail(chassis.notFound())
}

/** Ends every session of somebody, but for `except`. */
export async function endAllSessions(
  { postgres, clock }: Deps,
  { userId, except }: { readonly userId: UserId; readonly except: SessionId | undefined },
): Promise<void> {
  await postgres.transaction(tx => endSessionsOf(tx, userId, 'logout', clock.now(), except))
}
