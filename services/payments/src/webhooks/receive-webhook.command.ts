import type { Clock } from '@campus/platform/clock'
import type { Postgres, Tx } from '@campus/platform/data/postgres'
import type { Webhook } from '../psp/provider.ts'
import { enterWebhook } from './webhook.store.ts'

export interface ReceiveDeps {
  readonly postgres: Postgres
  readonly clock: Clock
  /** Whether a webhook tells what is known, so that it can never change anything again. */
  readonly isKnown: (tx: Tx, webhook: Webhook, now: Date) => Promise<boolean>
  /** Tells the intent; in the transaction that notes the webhook as applied. */
  readonly settle: (tx: Tx, webhook: Webhook, now: Date) => void
}

/** Applies a signed webhook once, however often and in whatever order webhooks come (P3). */
export async function receiveWebhook(deps: ReceiveDeps, webhook: Webhook): Promise<void> {
  const { postgres, clock, isKnown, settle } = deps
  const now = clock.now()
  // The usual case: the answer of the call was faster. Without a lock, because facts stay true.
  if (await postgres.read(tx => isKnown(tx, webhook, now))) return
  await postgres.transaction(async tx => {
    if (await enterWebhook(tx, webhook.id, now)) settle(tx, webhook, now)
  })
}
