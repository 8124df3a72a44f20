import type { NotificationId, UserId } from '@campus/contracts/ids'
import type { Clock } from '@campus/platform/clock'
import { onCommit, type Postgres } from '@campus/platform/data/postgres'
import { chassis, fail } from '@campus/platform/errors'
import { markAllRead, markRead, raiseVersion } from './notification.store.ts'
import type { Notification } from './notification.ts'

export interface ReadingDeps {
  readonly postgres: Postgres
  readonly clock: Clock
  /** The list of somebody has reached this version. */
  readonly onListed: (userId: UserId, version: number) => void
}

/**
 * Notes that somebody has read a notification; again is harmless.
 *
 * @throws AppError `request.not_found`, for somebody else's too
 */
export async function readOne(
  { postgres, clock, onListed }: ReadingDeps,
  key: { readonly id: NotificationId; readonly userId: UserId },
): Promise<Notification> {
  const { userId } = key
  return postgres.transaction(async tx => {
    // First, as whoever adds to the list does it: the same order of locks everywhere.
    const version = await raiseVersion(tx, userId)
    const row = await markRead(tx, key, clock.now())
    if (row === undefined) return fail(chassis.notFound())
    onCommit(tx, () => onListed(userId, version))
    return row
  })
}

/** Notes that somebody has read everything that is listed now. */
export async function readAll(
  { postgres, clock, onListed }: ReadingDeps,
  userId: UserId,
): Promise<void> {
  await postgres.transaction(async tx => {
    const version = await raiseVersion(tx, userId)
    await markAllRead(tx, userId, clock.now())
    onCommit(tx, () => onListed(userId, version))
  })
}
