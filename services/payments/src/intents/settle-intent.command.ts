import type { IntentId, RefundId } from '@campus/contracts/ids'
import type { Tx } from '@campus/platform/data/postgres'
import { newId } from '@campus/platform/new-id'
import { currentFlow, newTraceparent } from '@campus/platform/process/flow'
import type { AttemptId, Fact } from '../psp/provider.ts'
import { findIntent } from './intent.store.ts'
import { decideFacts, isWithoutEffect } from './lifecycle.ts'
import type { TellIntent } from './tell-intents.command.ts'

/** Facts about one attempt. */
export interface News {
  readonly intentId: IntentId
  readonly attemptId: AttemptId
  readonly facts: readonly Fact[]
}

/** Whether the intent knows all of it already; what is known once is known for ever. */
export async function isKnown(tx: Tx, news: News, now: Date): Promise<boolean> {
  const intent = await findIntent(tx, news.intentId)
  if (intent === undefined || intent.attemptId !== news.attemptId) return true
  return isWithoutEffect(
    intent,
    decideFacts(intent, news.facts, { now, refundId: newId<RefundId>() }),
  )
}

/**
 * Tells an intent what the provider says, by whatever way it came; what is known changes nothing.
 *
 * An attempt that is not the intent's last one was declined, so nothing more can be true of it.
 */
export function settleIntent(tx: Tx, tell: TellIntent, news: News, now: Date): void {
  const caller = currentFlow()
  tell(tx, {
    about: { id: news.intentId },
    decide(intent) {
      if (intent.attemptId !== news.attemptId) return undefined
      const flow = {
        causationId: intent.id,
        actor: 'service:payments',
        traceparent: newTraceparent(),
        ...caller,
        // A webhook continues the story of the order, not one of its own.
        correlationId: intent.correlationId,
      }
      const at = { now, refundId: newId<RefundId>() }
      return { outcome: decideFacts(intent, news.facts, at), flow }
    },
    now,
  })
}
