import { RefundCause } from '@campus/contracts/events/orders'
import { At } from '@campus/contracts/fields'
import { RefundId } from '@campus/contracts/ids'
import { Money } from '@campus/contracts/money'
import { type Static, Type } from 'typebox'
import { amountOf, type Refund } from '../checkout/progress.ts'

/** A refund of an order. */
export const RefundView = Type.Object({
  id: RefundId,
  state: Type.Union([Type.Literal('pending'), Type.Literal('succeeded'), Type.Literal('failed')]),
  cause: RefundCause,
  reason: Type.String(),
  amount: Money,
  lines: Type.Array(
    Type.Object({ lineNo: Type.Integer(), quantity: Type.Integer(), amount: Money }),
  ),
  askedAt: At,
})
export type RefundView = Static<typeof RefundView>

/** Shows a refund; `currency` is that of its order. */
export function refundViewOf(refund: Refund, currency: string): RefundView {
  const { id, state, cause, reason, lines, askedAt } = refund
  return {
    id,
    state,
    cause,
    reason,
    amount: { amount: amountOf(refund), currency },
    lines: lines.map(({ lineNo, quantity, amountMinor }) => {
      return { lineNo, quantity, amount: { amount: amountMinor, currency } }
    }),
    askedAt: askedAt.toISOString(),
  }
}
