import type { CancelReason, RefundCause } from '@campus/contracts/events/orders'
import type { By } from '@campus/contracts/fields'
import {
  amountOf,
  isSettled,
  type Refund,
  type RefundLine,
  sharesOf,
  silentCourses,
  undelivered,
} from './progress.ts'
import type { At, LostDispute, Request, Saga, State, Step } from './saga-state.ts'

// The moves that the rules of the saga's table are made of.

const plain = {
  stock_release_requested: { kind: 'stock_release_requested' },
  payment_void_requested: { kind: 'payment_void_requested' },
} as const satisfies Record<string, Request>

/** A moment so many seconds after another. */
export function after(now: Date, seconds: number): Date {
  return new Date(now.getTime() + seconds * 1_000)
}

/** Stays where it is. */
export function same(saga: Saga, publish: readonly Request[] = []): Step {
  return { kind: 'stepped', saga, publish }
}

/** Nothing comes of it. */
export const ignored: Step = { kind: 'ignored' }

/** Goes to a state and waits there. */
export function to(
  saga: Saga,
  state: State,
  { now }: At,
  waitSeconds: number | null,
  publish: readonly Request[],
): Step {
  const timerAt = waitSeconds === null ? null : after(now, waitSeconds)
  const next = { ...saga, state, timerAt, askedAt: now, stuckAt: null }
  return { kind: 'stepped', saga: next, publish }
}

/** Asks again and waits once more. */
export function again(saga: Saga, { now }: At, seconds: number, publish: readonly Request[]): Step {
  return { kind: 'stepped', saga: { ...saga, timerAt: after(now, seconds) }, publish }
}

/** Takes everything back: asks for the stock and the money that may still be held. */
export function stop(
  saga: Saga,
  why: { readonly reason: CancelReason; readonly by: By; readonly note?: string | undefined },
  at: At,
): Step {
  const { reason, by, note } = why
  const stopping = { ...saga, reason, cancelledBy: by, note: note ?? null }
  return stopping.stockDone && stopping.moneyDone
    ? ended(stopping, at)
    : to(stopping, 'cancelling', at, at.timing.cancelSeconds, stopRequests(stopping))
}

/** What a stopping order still has to get back. */
export function stopRequests({ stockDone, moneyDone }: Saga): Request[] {
  return [
    ...(stockDone ? [] : [plain.stock_release_requested]),
    ...(moneyDone ? [] : [plain.payment_void_requested]),
  ]
}

/** Ends a stopping order once both answers are there. */
export function ending(saga: Saga, at: At): Step {
  return saga.stockDone && saga.moneyDone ? ended(saga, at) : same(saga)
}

/** Nothing is held for the order any more. */
export function ended(saga: Saga, at: At): Step {
  return to(saga, 'cancelled', at, null, [{ kind: 'order_cancelled' }])
}

/** The order stands: its lines are waited for. */
export function confirm(saga: Saga, at: At): Step {
  const confirmed = { ...saga, state: 'confirmed' as const, askedAt: at.now, stuckAt: null }
  return settle(confirmed, at, [{ kind: 'order_confirmed' }])
}

/** Sets the next timer of an order that stands, and completes it when nothing more is to come. */
export function settle(saga: Saga, at: At, publish: readonly Request[]): Step {
  const { lostDispute, refunds } = saga
  // A refund without an answer may have come before the dispute, or be refused because of it: what the
  // bank took is known to be the rest only when all of them are settled.
  if (lostDispute !== null && !refunds.some(({ state }) => state === 'pending')) {
    return settleDispute({ ...saga, lostDispute: null }, lostDispute, at, publish)
  }
  const isDone = saga.state === 'confirmed' && saga.lines.every(line => isSettled(saga, line))
  if (isDone) {
    const completed = { ...saga, state: 'completed' as const, askedAt: at.now }
    return standing(completed, at, [...publish, { kind: 'order_completed' }])
  }
  return standing(saga, at, publish)
}

function standing(saga: Saga, at: At, publish: readonly Request[]): Step {
  // Goods without money, and money that does not go back, are for people to look at.
  const isUnpaid = saga.moneyDone && saga.totalMinor > 0
  const isStuck = isUnpaid || saga.refunds.some(({ state }) => state === 'failed')
  const stuckAt = isStuck ? (saga.stuckAt ?? at.now) : null
  return { kind: 'stepped', saga: { ...saga, timerAt: nextTimer(saga, at), stuckAt }, publish }
}

/** The earliest moment at which an order that stands has waited too long for something. */
function nextTimer(saga: Saga, { now, timing }: At): Date | null {
  const moments: number[] = []
  if (saga.state === 'confirmed') {
    if (silentCourses(saga).length > 0) {
      const shown = after(saga.askedAt, timing.courseSeconds)
      moments.push(
        (shown > now ? shown : after(saga.askedAt, timing.courseGiveUpSeconds)).getTime(),
      )
    }
    if (undelivered(saga).length > 0) {
      const periodMs = timing.deliverySeconds * 1_000
      const periods = Math.floor((now.getTime() - saga.askedAt.getTime()) / periodMs) + 1
      moments.push(saga.askedAt.getTime() + periods * periodMs)
    }
  }
  for (const { state, askedAt } of saga.refunds) {
    if (state === 'pending') moments.push(after(askedAt, timing.refundSeconds).getTime())
  }
  return moments.length === 0 ? null : new Date(Math.min(...moments))
}

/** Asks payments for a refund. One of nothing needs no payment and is settled at once. */
export function askRefund(
  saga: Saga,
  wanted: Pick<Refund, 'id' | 'returnId' | 'reason'> & {
    readonly cause: RefundCause
    readonly lines: readonly RefundLine[]
  },
  at: At,
  publish: readonly Request[] = [],
): Step {
  const refund: Refund = { ...wanted, state: 'pending', askedAt: at.now }
  const asked = { ...saga, refunds: [...saga.refunds, refund] }
  return amountOf(refund) === 0
    ? settleRefund(asked, refund, at, publish)
    : settle(asked, at, [...publish, { kind: 'refund_requested', refund }])
}

/** The money of a refund is back, which is also the end of the return that it is for. */
export function settleRefund(
  saga: Saga,
  refund: Refund,
  at: At,
  publish: readonly Request[] = [],
): Step {
  const back: Refund = { ...refund, state: 'succeeded' }
  const refunds = saga.refunds.map(one => (one.id === refund.id ? back : one))
  const refundedMinor = saga.refundedMinor + amountOf(back)
  const { returnId } = back
  return settle({ ...saga, refunds, refundedMinor }, at, [
    ...publish,
    { kind: 'order_refunded', refund: back },
    ...(returnId === null ? [] : [{ kind: 'return_closed', returnId, refund: back } as const]),
  ])
}

function settleDispute(
  saga: Saga,
  { id, amountMinor }: LostDispute,
  at: At,
  publish: readonly Request[],
): Step {
  const lines = sharesOf(saga, amountMinor)
  if (lines.length === 0) return settle(saga, at, publish)
  const { now: askedAt } = at
  const taken = { id, returnId: null, cause: 'dispute', reason: 'dispute', lines } as const
  const refund: Refund = { ...taken, state: 'pending', askedAt }
  return settleRefund({ ...saga, refunds: [...saga.refunds, refund] }, refund, at, publish)
}

/** Requests for refunds that have no answer, and the saga that has just asked them. */
export function askRefundsAgain(
  saga: Saga,
  { now }: At,
  isWanted: (refund: Refund, saga: Saga) => boolean,
): { readonly saga: Saga; readonly requests: Request[] } {
  const requests: Request[] = []
  let { refunds } = saga
  for (const refund of saga.refunds) {
    if (!isWanted(refund, { ...saga, refunds })) continue
    const anew: Refund = { ...refund, state: 'pending', askedAt: now }
    refunds = refunds.map(one => (one.id === refund.id ? anew : one))
    requests.push({ kind: 'refund_requested', refund: anew })
  }
  return { saga: { ...saga, refunds }, requests }
}
