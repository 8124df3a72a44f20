import type { IntentId } from '@campus/contracts/ids'
import type { Postgres } from '@campus/platform/data/postgres'
import { waitUntil } from '@campus/platform/http/prefer-wait'
import { onIntentChanged } from './carry-out.command.ts'
import { findIntent } from './intent.store.ts'
import type { Intent } from './intent.ts'

/** How old a look at the table may be while somebody waits. */
const readEveryMs = 500

/** Someone who waits for news of an intent; to be stopped. */
export interface Watch {
  /** @returns undefined when `seconds` are over or `signal` is aborted */
  until(
    isNews: (intent: Intent) => boolean,
    seconds: number,
    signal: AbortSignal,
  ): Promise<Intent | undefined>
  stop(): void
}

/**
 * Begins to listen, so that nothing is missed between a look at the intent and the wait. What this
 * process changes comes without a query; the table is looked at now and then, because another replica
 * may have changed it.
 */
export function watchIntent(postgres: Postgres, intentId: IntentId): Watch {
  let latest: Intent | undefined
  let readAt = performance.now()
  const stop = onIntentChanged(intentId, intent => {
    latest = intent
  })
  return {
    stop,
    async until(isNews, seconds, signal) {
      const check = async () => {
        if (latest === undefined || performance.now() - readAt >= readEveryMs) {
          readAt = performance.now()
          latest = await postgres.read(tx => findIntent(tx, intentId))
        }
        return latest !== undefined && isNews(latest) ? latest : undefined
      }
      const wake = (listener: () => void) => onIntentChanged(intentId, listener)
      return waitUntil(seconds, check, { signal, wake })
    },
  }
}
