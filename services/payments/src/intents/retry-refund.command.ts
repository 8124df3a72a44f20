import type { IntentId, RefundId } from '@campus/contracts/ids'
import type { Tx } from '@campus/platform/data/postgres'
import { newTraceparent, withFlow } from '@campus/platform/process/flow'
import { askForRefund } from './carry-out.command.ts'
import { lockIntent } from './intent.store.ts'

/** Asks the provider for a refund once more; of two replicas that try at once one adds the attempt. */
export async function retryRefund(
  tx: Tx,
  { id, intentId }: { readonly id: RefundId; readonly intentId: IntentId },
  now: Date,
): Promise<void> {
  const intent = await lockIntent(tx, intentId)
  const refund = intent?.refunds.find(one => one.id === id)
  if (intent === undefined || refund?.state !== 'pending' || refund.nextAt > now) return
  const flow = {
    correlationId: intent.correlationId,
    causationId: intentId,
    actor: 'timer',
    traceparent: newTraceparent(),
  }
  withFlow(flow, () => askForRefund(tx, intent, id))
}
