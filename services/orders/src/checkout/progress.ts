import type { RefundCause, ShippedLine } from '@campus/contracts/events/orders'
import type { CourseId, RefundId, ReturnId } from '@campus/contracts/ids'

// How far each line of a confirmed order is, and what of it was given back. Only shipped and delivered
// units are counted; everything else follows from the refunds, so nothing can disagree.

/** One line: what was bought, frozen at placement, and how much of it left and arrived. */
export interface LineProgress {
  readonly lineNo: number
  readonly kind: 'physical' | 'course'
  readonly courseId: CourseId | null
  readonly quantity: number
  readonly totalMinor: number
  readonly shipped: number
  readonly delivered: number
  /** When the latest unit arrived: from then on the line may be given back. */
  readonly deliveredAt: Date | null
}

/** What a refund gives back of one line. */
export interface RefundLine {
  readonly lineNo: number
  /** Units that the buyer gives up; 0 is a lower price. */
  readonly quantity: number
  readonly amountMinor: number
  /** Units of `quantity` that had not left the warehouse. */
  readonly restockCount: number
}

/** Money on its way back, or back. A failed one takes no part in any sum: it may be asked for anew. */
export interface Refund {
  readonly id: RefundId
  readonly returnId: ReturnId | null
  readonly state: 'pending' | 'succeeded' | 'failed'
  readonly cause: RefundCause
  readonly reason: string
  readonly lines: readonly RefundLine[]
  /** When it was asked for last. */
  readonly askedAt: Date
}

/** The part of a saga that lines and refunds are decided by. */
export interface Progress {
  readonly capturedMinor: number
  readonly lines: readonly LineProgress[]
  readonly refunds: readonly Refund[]
}

/** Minor units of a refund. */
export function amountOf({ lines }: Pick<Refund, 'lines'>): number {
  return lines.reduce((sum, { amountMinor }) => sum + amountMinor, 0)
}

/** Minor units that are back or on their way. */
export function askedMinor({ refunds }: Pick<Progress, 'refunds'>): number {
  return refunds.filter(isStanding).reduce((sum, refund) => sum + amountOf(refund), 0)
}

/** What is left of one line: money that may still be refunded, units that may still leave. */
export function restOf({ refunds }: Progress, line: LineProgress) {
  const parts = partsOf(refunds.filter(isStanding), line)
  const givenUp = unitsOf(parts)
  const restocked = parts.reduce((sum, { restockCount }) => sum + restockCount, 0)
  return {
    amountMinor: line.totalMinor - amountOf({ lines: parts }),
    /** Units that were not given up yet, wherever they are. */
    quantity: line.quantity - givenUp,
    /** Units in the warehouse that are still to be sent. */
    unshipped: line.kind === 'course' ? 0 : line.quantity - line.shipped - restocked,
  }
}

/** Whether nothing more is to come of a line: every unit arrived or was given up, or all is paid back. */
export function isSettled({ refunds }: Progress, line: LineProgress): boolean {
  const parts = partsOf(
    refunds.filter(({ state, cause }) => state === 'succeeded' && cause !== 'return'),
    line,
  )
  const paidBack = amountOf({ lines: parts })
  if (line.totalMinor > 0 && paidBack >= line.totalMinor) return true
  return line.delivered + unitsOf(parts) >= line.quantity
}

/** Lines of courses that nobody has answered for, and that are not being paid back for it. */
export function silentCourses(progress: Progress): LineProgress[] {
  return progress.lines.filter(
    line =>
      line.kind === 'course' &&
      line.delivered === 0 &&
      !isSettled(progress, line) &&
      restOf(progress, line).quantity > 0 &&
      !isGivenUp(progress, line),
  )
}

/** A refund that has failed is for people to look at: asking for another one would not help. */
function isGivenUp({ refunds }: Progress, line: LineProgress): boolean {
  return partsOf(
    refunds.filter(({ cause }) => cause === 'rejected_line'),
    line,
  ).some(({ quantity }) => quantity > 0)
}

/** Lines of goods of which something is still to arrive. */
export function undelivered(progress: Progress): LineProgress[] {
  return progress.lines.filter(line => line.kind === 'physical' && !isSettled(progress, line))
}

/** Whether the warehouse or a course has given anything out. */
export function isUntouched({ lines }: Progress): boolean {
  return lines.every(({ shipped, delivered }) => shipped === 0 && delivered === 0)
}

/** Everything that is left of `line`, as a refund of it. */
export function wholeRest(progress: Progress, line: LineProgress): RefundLine {
  const { amountMinor, quantity, unshipped } = restOf(progress, line)
  return { lineNo: line.lineNo, quantity, amountMinor, restockCount: Math.min(quantity, unshipped) }
}

/** Which lines an amount is taken from that nobody has named lines for: the first ones first. */
export function sharesOf(progress: Progress, amountMinor: number): RefundLine[] {
  const shares: RefundLine[] = []
  for (const line of progress.lines) {
    const rest = wholeRest(progress, line)
    const left = amountMinor - amountOf({ lines: shares })
    if (left <= 0 || rest.amountMinor <= 0) continue
    shares.push(
      rest.amountMinor <= left
        ? rest
        : { lineNo: line.lineNo, quantity: 0, amountMinor: left, restockCount: 0 },
    )
  }
  return shares
}

/** Whether `wanted` fits into what is left of money and units (O6). */
export function fits(progress: Progress, wanted: readonly RefundLine[]): boolean {
  const isWithin = wanted.every(part => {
    const line = progress.lines.find(({ lineNo }) => lineNo === part.lineNo)
    if (line === undefined) return false
    const rest = restOf(progress, line)
    return part.amountMinor <= rest.amountMinor && part.quantity <= rest.quantity
  })
  const unique = new Set(wanted.map(({ lineNo }) => lineNo)).size === wanted.length
  const total = askedMinor(progress) + amountOf({ lines: wanted })
  return isWithin && unique && total <= progress.capturedMinor
}

/** Whether so many units of each line are still in the warehouse. */
export function canShip(progress: Progress, wanted: readonly ShippedLine[]): boolean {
  const unique = new Set(wanted.map(({ lineNo }) => lineNo)).size === wanted.length
  return (
    unique &&
    wanted.every(({ lineNo, quantity }) => {
      const line = progress.lines.find(known => known.lineNo === lineNo)
      return line?.kind === 'physical' && quantity <= restOf(progress, line).unshipped
    })
  )
}

/** Whether so many units of each line are on their way. */
export function canDeliver({ lines }: Progress, arrived: readonly ShippedLine[]): boolean {
  return arrived.every(({ lineNo, quantity }) => {
    const line = lines.find(known => known.lineNo === lineNo)
    return line !== undefined && line.delivered + quantity <= line.shipped
  })
}

/** The lines after units of some of them have left. */
export function afterShipping(
  lines: readonly LineProgress[],
  units: readonly ShippedLine[],
): LineProgress[] {
  const counts = countsOf(units)
  return lines.map(line => ({ ...line, shipped: line.shipped + (counts.get(line.lineNo) ?? 0) }))
}

/** The lines after units of some of them have arrived. */
export function afterDelivery(
  lines: readonly LineProgress[],
  units: readonly ShippedLine[],
  now: Date,
): LineProgress[] {
  const counts = countsOf(units)
  return lines.map(line => {
    const arrived = counts.get(line.lineNo) ?? 0
    return arrived === 0 ? line : { ...line, delivered: line.delivered + arrived, deliveredAt: now }
  })
}

function countsOf(units: readonly ShippedLine[]): Map<number, number> {
  return new Map(units.map(({ lineNo, quantity }) => [lineNo, quantity]))
}

function isStanding({ state }: Refund): boolean {
  return state !== 'failed'
}

function partsOf(refunds: readonly Refund[], { lineNo }: LineProgress): RefundLine[] {
  return refunds.flatMap(({ lines }) => lines.filter(part => part.lineNo === lineNo))
}

function unitsOf(parts: readonly RefundLine[]): number {
  return parts.reduce((sum, { quantity }) => sum + quantity, 0)
}
