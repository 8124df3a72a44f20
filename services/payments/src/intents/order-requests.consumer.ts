import type { Ref } from '@campus/contracts/events/orders'
import {
  captureRequested,
  paymentRequested,
  paymentVoidRequested,
  refundRequested,
} from '@campus/contracts/events/orders'
import type { RefundId } from '@campus/contracts/ids'
import type { Tx } from '@campus/platform/data/postgres'
import { type Handler, on } from '@campus/platform/events/consumer'
import { newId } from '@campus/platform/new-id'
import type { TokenOf } from './confirm-intent.command.ts'
import type { Intent } from './intent.ts'
import { decideCapture, decideRefund, decideVoid, type Outcome } from './lifecycle.ts'
import { openIntent } from './open-intent.command.ts'
import type { TellIntent } from './tell-intents.command.ts'

/** What orders ask of the money; each request is answered exactly once, by an event. */
export function orderRequestHandlers(tell: TellIntent, tokenOf: TokenOf): Handler[] {
  /** A Ref without an intent was never asked to be paid, which the order of its events excludes. */
  function decide(tx: Tx, ref: Ref, how: (intent: Intent) => Outcome, now: Date): void {
    tell(tx, { about: { ref }, decide: intent => ({ outcome: how(intent) }), now })
  }
  return [
    on(paymentRequested, async ({ tx, event: { data }, now }) => {
      const { ref, userId, amount, paymentMethodId } = data
      const wanted = { ref, userId, amount, expiresAt: new Date(data.expiresAt) }
      // A card that was removed meanwhile, or is somebody else's, is none: the buyer pays by hand.
      const token = paymentMethodId && (await tokenOf(tx, userId, paymentMethodId))
      openIntent(tx, tell, wanted, token, now)
    }),
    on(captureRequested, async ({ tx, event: { data }, now }) => {
      decide(tx, data.ref, intent => decideCapture(intent, data.amount), now)
    }),
    on(paymentVoidRequested, async ({ tx, event: { data }, now }) => {
      const at = { now, refundId: newId<RefundId>() }
      decide(tx, data.ref, intent => decideVoid(intent, at), now)
    }),
    on(refundRequested, async ({ tx, event: { data }, now }) => {
      decide(tx, data.ref, intent => decideRefund(intent, data, now), now)
    }),
  ]
}
