import type { Chassis } from '@campus/platform/chassis'
import { followRevocations } from '@campus/platform/revocations'

/**
 * Which sessions are over, for streams that outlive the check of their request.
 *
 * The chassis refuses requests by a set that it keeps to itself, so this one reads the topic once more. It
 * is read in the background: a stream that is not ended in time ends with its token.
 */
export function followRevokedSessions(
  chassis: Chassis,
): Pick<ReturnType<typeof followRevocations>, 'isRevoked'> {
  const revocations = followRevocations(chassis)
  let started: Promise<void> | undefined
  chassis.lifecycle.onStart('revoked sessions', () => {
    started = revocations.start().catch((error: unknown) => {
      chassis.logger.warn({ err: error }, 'streams do not hear of revoked sessions')
    })
  })
  chassis.lifecycle.onStop('revoked sessions', async () => {
    await started
    await revocations.stop()
  })
  return revocations
}
