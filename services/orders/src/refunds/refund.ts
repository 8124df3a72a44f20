import type { Money } from '@campus/contracts/money'
import { refuseAll } from '@campus/platform/errors'
import {
  amountOf,
  askedMinor,
  isSettled,
  type LineProgress,
  type RefundLine,
  restOf,
} from '../checkout/progress.ts'
import type { Saga } from '../checkout/saga-state.ts'
import { refuse } from '../errors.ts'

/** What staff wants to give back of one line. */
export interface WantedLine {
  readonly lineNo: number
  readonly amount: Money
  /** Units that the buyer will not get; absent: all of them when the whole line is paid back, else 0. */
  readonly quantity?: number
}

/**
 * What a refund of these lines gives back, unit by unit and cent by cent (O6).
 *
 * @throws AppError with every reason that holds: `orders.order_not_confirmed`, `orders.line_repeated`,
 *   `orders.line_unknown`, `orders.currency_differs`, `orders.refund_empty`,
 *   `orders.refund_exceeds_line`, `orders.units_not_left`, `orders.refund_exceeds_captured`
 */
export function decideRefund(
  saga: Saga,
  currency: string,
  wanted: readonly WantedLine[],
): RefundLine[] {
  const isPaid = saga.state === 'confirmed' || saga.state === 'completed'
  const reasons = isPaid ? [] : [refuse.order_not_confirmed()]
  if (new Set(wanted.map(({ lineNo }) => lineNo)).size < wanted.length) {
    reasons.push(refuse.line_repeated())
  }
  const lines: RefundLine[] = []
  for (const { lineNo, amount, quantity } of wanted) {
    const line = saga.lines.find(known => known.lineNo === lineNo)
    if (line === undefined) {
      reasons.push(refuse.line_unknown({ lineNo }))
      continue
    }
    const rest = restOf(saga, line)
    const units = quantity ?? (amount.amount === rest.amountMinor ? rest.quantity : 0)
    if (amount.currency !== currency) reasons.push(refuse.currency_differs({ lineNo }))
    if (amount.amount <= 0) reasons.push(refuse.refund_empty({ lineNo }))
    if (amount.amount > rest.amountMinor) {
      reasons.push(refuse.refund_exceeds_line({ lineNo, leftMinor: rest.amountMinor }))
    }
    if (quantity !== undefined && quantity > undelivered(saga, line)) {
      reasons.push(refuse.units_not_left({ lineNo, left: undelivered(saga, line) }))
    }
    lines.push({
      lineNo,
      quantity: units,
      amountMinor: amount.amount,
      restockCount: Math.min(units, rest.unshipped),
    })
  }
  const leftMinor = saga.capturedMinor - askedMinor(saga)
  if (isPaid && amountOf({ lines }) > leftMinor) {
    reasons.push(refuse.refund_exceeds_captured({ leftMinor }))
  }
  refuseAll(reasons)
  return lines
}

/** Units that have neither arrived nor been given up. */
function undelivered(saga: Saga, line: LineProgress): number {
  if (isSettled(saga, line)) return 0
  return Math.max(0, Math.min(restOf(saga, line).quantity, line.quantity - line.delivered))
}
