import { profilesTopic } from '@campus/contracts/topics'
import type { Kafka } from '@campus/platform/events/kafka'
import { type LastVersions, versionIn } from './published-profile.ts'

/**
 * Reads the topic of profiles up to its present end. Only versions are kept: about 100 bytes a person.
 *
 * @throws when no broker answers, and when `signal` is aborted
 */
export async function readProfiles(
  kafka: Pick<Kafka, 'read'>,
  signal: AbortSignal,
): Promise<LastVersions> {
  const last = new Map<string, number | null>()
  const over = Promise.withResolvers<void>()
  const abort = () => over.reject(new Error('The reading of profiles was given up.'))
  signal.addEventListener('abort', abort)
  // Whoever awaits it may not have come so far when it is rejected.
  over.promise.catch(() => undefined)
  try {
    const reading = await kafka.read({
      topic: profilesTopic,
      until: 'end',
      onRecord({ key, value }) {
        if (key !== null) last.set(key, versionIn(value))
      },
      onCaughtUp: () => over.resolve(),
      onCrash: error => over.reject(error),
    })
    try {
      await over.promise
    } finally {
      await reading.stop()
    }
  } finally {
    signal.removeEventListener('abort', abort)
  }
  return last
}
