import type { Ref } from '@campus/contracts/events/orders'
import type { Tx } from '@campus/platform/data/postgres'
import { decideConfirmed, keepsMoney } from './lifecycle.ts'
import type { TellIntent } from './tell-intents.command.ts'

/**
 * Notes that the order of a payment was confirmed, so that its money is no orphan.
 *
 * @param onKept called when there is money to keep; not when it is on its way back or gone, or nothing was
 *   paid
 */
export function noteConfirmed(
  tx: Tx,
  tell: TellIntent,
  ref: Ref,
  onKept: () => void,
  now: Date,
): void {
  tell(tx, {
    about: { ref },
    decide(intent) {
      if (keepsMoney(intent)) onKept()
      return { outcome: decideConfirmed(intent, now) }
    },
    now,
  })
}
