import { ShippedLine } from '@campus/contracts/events/orders'
import type { OrderId, RefundId, ReturnId, UserId } from '@campus/contracts/ids'
import { refuseAll } from '@campus/platform/errors'
import { type Static, Type } from 'typebox'
import { type LineProgress, type Progress, type RefundLine, restOf } from '../checkout/progress.ts'
import type { Saga } from '../checkout/saga-state.ts'
import { refuse } from '../errors.ts'

// A return: units that a buyer gives back for money.
//
//   requested → approved → received → refunding → closed
//       │           └─→ rejected        goods that never come
//       ├─→ rejected
//       └─→ refunding                   a course: there is nothing to receive
//
// `received` and `refunding` are told one after the other by one transaction: whatever has arrived is
// asked a refund for at once. A refund that fails leaves the return `refunding` and the order stuck, until
// staff has it asked for again. Everything is decided under the lock of the order, so that the units of
// two returns, and of refunds, never overlap (O6).

export const returnStates = [
  'requested',
  'approved',
  'received',
  'refunding',
  'closed',
  'rejected',
] as const
export type ReturnState = (typeof returnStates)[number]

/** Units of one line that have arrived; `restock` when they can be sold again. */
export const ReceivedLine = Type.Object({ ...ShippedLine.properties, restock: Type.Boolean() })
export type ReceivedLine = Static<typeof ReceivedLine>

export interface Return {
  readonly id: ReturnId
  readonly orderId: OrderId
  readonly userId: UserId
  readonly currency: string
  readonly state: ReturnState
  /** In the words of the buyer. */
  readonly reason: string
  /** In the words of staff. */
  readonly rejection: string | null
  /** What the buyer wants to give back; a line occurs once. */
  readonly lines: readonly ShippedLine[]
  /** What has arrived; a line occurs twice when only a part of it can be sold again. */
  readonly received: readonly ReceivedLine[]
  readonly refundId: RefundId | null
  /** Minor units that are paid back; null before that is known. */
  readonly refundMinor: number | null
  readonly requestedAt: Date
  readonly decidedAt: Date | null
  readonly receivedAt: Date | null
  readonly closedAt: Date | null
}

/** Returns of one order, the refused ones included. */
const returnsMax = 50
const dayMs = 86_400_000

/** Whether something is still to come of a return. */
export function isOpen({ state }: Pick<Return, 'state'>): boolean {
  return state !== 'closed' && state !== 'rejected'
}

/**
 * Whether a buyer may ask for this to be taken back.
 *
 * The time for it begins with the last unit of a line: who waits for the rest may wait with all of it.
 *
 * @param previous all returns of the order
 * @throws AppError with every reason that holds: `orders.order_not_confirmed`,
 *   `orders.return_too_many`, `orders.line_repeated`, `orders.line_unknown`, `orders.return_mixed`,
 *   `orders.line_not_delivered`, `orders.units_not_left`, `orders.course_not_whole`,
 *   `orders.return_too_late`
 * @see https://eur-lex.europa.eu/eli/dir/2011/83/oj Article 9(2)(b)
 */
export function requireReturnable(
  saga: Saga,
  previous: readonly Return[],
  wanted: readonly ShippedLine[],
  { now, windowDays }: { readonly now: Date; readonly windowDays: number },
): void {
  const isPaid = saga.state === 'confirmed' || saga.state === 'completed'
  const reasons = isPaid ? [] : [refuse.order_not_confirmed()]
  if (previous.length >= returnsMax) reasons.push(refuse.return_too_many())
  if (new Set(wanted.map(({ lineNo }) => lineNo)).size < wanted.length) {
    reasons.push(refuse.line_repeated())
  }
  const kinds = new Set<LineProgress['kind']>()
  for (const { lineNo, quantity } of wanted) {
    const line = saga.lines.find(known => known.lineNo === lineNo)
    if (line === undefined) {
      reasons.push(refuse.line_unknown({ lineNo }))
      continue
    }
    kinds.add(line.kind)
    const { deliveredAt } = line
    if (deliveredAt === null) {
      reasons.push(refuse.line_not_delivered({ lineNo }))
      continue
    }
    const left = unitsLeft(saga, previous, line)
    if (quantity > left) reasons.push(refuse.units_not_left({ lineNo, left }))
    if (line.kind === 'course' && quantity !== line.quantity) {
      reasons.push(refuse.course_not_whole({ lineNo }))
    }
    const until = new Date(deliveredAt.getTime() + windowDays * dayMs)
    if (now > until) reasons.push(refuse.return_too_late({ lineNo, untilAt: until.toISOString() }))
  }
  if (kinds.size > 1) reasons.push(refuse.return_mixed())
  refuseAll(reasons)
}

/**
 * What approving a return leads to.
 *
 * @throws AppError `orders.return_not_requested`
 */
export function decideApproval(saga: Saga, { state, lines }: Return): 'await_goods' | 'refund' {
  refuseAll(state === 'requested' ? [] : [refuse.return_not_requested({ state })])
  const [first] = lines
  const line = saga.lines.find(({ lineNo }) => lineNo === first?.lineNo)
  return line?.kind === 'course' ? 'refund' : 'await_goods'
}

/**
 * Whether staff may turn a return down: also an approved one, whose goods never come.
 *
 * @throws AppError `orders.return_not_rejectable`
 */
export function requireRejectable({ state }: Return): void {
  const isRejectable = state === 'requested' || state === 'approved'
  refuseAll(isRejectable ? [] : [refuse.return_not_rejectable({ state })])
}

/**
 * Whether this may have arrived for a return. Less than was announced is fine: the rest may be returned
 * once more.
 *
 * @throws AppError with every reason that holds: `orders.return_not_approved`, `orders.line_repeated`,
 *   `orders.line_unknown`, `orders.units_not_left`
 */
export function requireReceivable(
  { state, lines }: Return,
  arrived: readonly ReceivedLine[],
): void {
  const reasons = state === 'approved' ? [] : [refuse.return_not_approved({ state })]
  const kinds = new Set(arrived.map(({ lineNo, restock }) => `${lineNo} ${restock}`))
  if (kinds.size < arrived.length) reasons.push(refuse.line_repeated())
  for (const [lineNo, quantity] of countsOf(arrived)) {
    const left = lines.find(line => line.lineNo === lineNo)?.quantity
    if (left === undefined) reasons.push(refuse.line_unknown({ lineNo }))
    else if (quantity > left) reasons.push(refuse.units_not_left({ lineNo, left }))
  }
  refuseAll(reasons)
}

/**
 * What is paid back for units of some lines: their share of what is left of each line. Every unit has
 * the same claim, so by largest remainder the first ones get the odd cents, and the shares of all units
 * are exactly the line.
 *
 * What staff has paid back before is not left, and units that it has given up get nothing: the result
 * may be less than `units`, or empty.
 */
export function refundOf(saga: Saga, units: readonly ShippedLine[]): RefundLine[] {
  const counts = countsOf(units)
  return saga.lines.flatMap(line => {
    const { lineNo } = line
    const rest = restOf(owing(saga), line)
    const quantity = Math.min(counts.get(lineNo) ?? 0, rest.quantity)
    if (quantity <= 0) return []
    const amountMinor = shareOf(Math.max(0, rest.amountMinor), rest.quantity, quantity)
    return [{ lineNo, quantity, amountMinor, restockCount: 0 }]
  })
}

/** The first `count` of `parts` equal parts of an amount. */
function shareOf(amountMinor: number, parts: number, count: number): number {
  return Math.floor(amountMinor / parts) * count + Math.min(count, amountMinor % parts)
}

/** Units of a line that have arrived, and that nobody has given back or been paid for. */
function unitsLeft(saga: Saga, previous: readonly Return[], line: LineProgress): number {
  const standing = previous.filter(({ state }) => state !== 'rejected')
  const returned = unitsOf(standing, line)
  // The others are part of the refunds.
  const unpaid = unitsOf(
    standing.filter(({ refundId, state }) => refundId === null && state !== 'closed'),
    line,
  )
  const { quantity } = restOf(owing(saga), line)
  return Math.max(0, Math.min(line.delivered - returned, quantity - unpaid))
}

function unitsOf(returns: readonly Return[], { lineNo }: LineProgress): number {
  return returns.reduce((sum, { receivedAt, received, lines }) => {
    return sum + (countsOf(receivedAt === null ? lines : received).get(lineNo) ?? 0)
  }, 0)
}

/** The refund of a return stays owed when it has failed: no other one may take its share. */
function owing({ refunds, ...progress }: Progress): Progress {
  return {
    ...progress,
    refunds: refunds.map(one =>
      one.returnId !== null && one.state === 'failed' ? { ...one, state: 'pending' } : one,
    ),
  }
}

function countsOf(units: readonly ShippedLine[]): Map<number, number> {
  const counts = new Map<number, number>()
  for (const { lineNo, quantity } of units) counts.set(lineNo, (counts.get(lineNo) ?? 0) + quantity)
  return counts
}
