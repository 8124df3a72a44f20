import { Ref } from '@campus/contracts/events/orders'
import { DeclineCode } from '@campus/contracts/events/payments'
import { At } from '@campus/contracts/fields'
import { ChallengeId, IntentId } from '@campus/contracts/ids'
import { Money } from '@campus/contracts/money'
import { type Static, Type } from 'typebox'
import { type Intent, type IntentState, states } from './intent.ts'

/** A payment intent as its payer sees it. */
export const IntentView = Type.Object({
  id: IntentId,
  ref: Ref,
  state: Type.Unsafe<IntentState>({ type: 'string', enum: [...states] }),
  amount: Money,
  capturedAmount: Money,
  refundedAmount: Money,
  attemptsLeft: Type.Integer({ description: 'Attempts to pay that are left' }),
  declineCode: Type.Optional(DeclineCode),
  challengeId: Type.Optional(ChallengeId),
  expiresAt: At,
  version: Type.Integer(),
})
export type IntentView = Static<typeof IntentView>

/** Shows an intent. */
export function viewOf(intent: Intent): IntentView {
  const { currency, declineCode, challengeId } = intent
  const money = (amount: number) => ({ amount, currency })
  return {
    id: intent.id,
    ref: intent.ref,
    state: intent.state,
    amount: money(intent.amountMinor),
    capturedAmount: money(intent.capturedMinor),
    refundedAmount: money(intent.refundedMinor),
    attemptsLeft: intent.attemptsLeft,
    ...(declineCode !== null && { declineCode }),
    ...(challengeId !== null && { challengeId }),
    expiresAt: intent.expiresAt.toISOString(),
    version: intent.version,
  }
}
