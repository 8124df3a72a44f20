import {
  afterDelivery,
  afterShipping,
  amountOf,
  canDeliver,
  canShip,
  fits,
  isUntouched,
  type Refund,
  restOf,
  silentCourses,
  undelivered,
  wholeRest,
} from './progress.ts'
import {
  again,
  askRefund,
  askRefundsAgain,
  confirm,
  ended,
  ending,
  ignored,
  same,
  settle,
  settleRefund,
  stop,
  stopRequests,
  to,
} from './saga-moves.ts'
import type { At, Happening, Parcel, Request, Saga, State, Step } from './saga-state.ts'

// The table itself. A rule names the rows of the design that it carries out and every state it may lead
// to; docs/checkout-saga.md is made of both.

/** What one state does about one kind of happening. */
export interface Rule<Kind extends Happening['kind'] = Happening['kind']> {
  readonly rows: readonly number[]
  readonly next: readonly State[]
  decide(saga: Saga, happening: Extract<Happening, { kind: Kind }>, at: At): Step
}

/** The rules of one state. */
export type Rules = { readonly [Kind in Happening['kind']]?: Rule<Kind> }

const timer = { type: 'timer', id: 'checkout' } as const
const service = { type: 'service', id: 'orders' } as const

const stuck: Request = { kind: 'order_stuck' }
const commitStock: Request = { kind: 'stock_commit_requested' }
const capture: Request = { kind: 'capture_requested' }

/** 3, 9, 14 and 17. */
function cancelledIn(row: number): Rule<'cancel'> {
  return {
    rows: [row],
    next: ['cancelling'],
    decide: (saga, { by, note }, at) =>
      stop(saga, { reason: 'cancelled_by_customer', by, note }, at),
  }
}

const lapsed: Rule<'payment_voided'> = {
  rows: [10],
  next: ['cancelling'],
  decide: (saga, _, at) =>
    stop({ ...saga, moneyDone: true }, { reason: 'payment_lapsed', by: service }, at),
}

const refund: Rule<'refund'> = {
  rows: [22],
  next: ['confirmed', 'completed'],
  // Whoever asks was told before why it does not fit; this is the last guard (O6). Units that cost
  // nothing are given back as well: whoever gave access to them must hear of it.
  decide: (saga, { refundId: id, returnId, cause, reason, lines }, at) =>
    (amountOf({ lines }) > 0 || (returnId !== null && lines.length > 0)) &&
    fits(saga, lines) &&
    !saga.refunds.some(known => known.id === id)
      ? askRefund(saga, { id, returnId, cause, reason, lines }, at)
      : ignored,
}

const refundSucceeded: Rule<'refund_succeeded'> = {
  rows: [23],
  next: ['confirmed', 'completed'],
  decide: (saga, { refundId }, at) => {
    const found = saga.refunds.find(({ id }) => id === refundId)
    return found === undefined || found.state === 'succeeded'
      ? ignored
      : settleRefund(saga, found, at)
  },
}

const refundFailed: Rule<'refund_failed'> = {
  rows: [24],
  next: ['confirmed', 'completed'],
  decide: (saga, { refundId, isFinal }, at) => {
    const isKnown = saga.refunds.some(({ id, state }) => id === refundId && state === 'pending')
    if (!isKnown || !isFinal) return ignored
    const refunds = saga.refunds.map(one =>
      one.id === refundId ? { ...one, state: 'failed' as const } : one,
    )
    return settle({ ...saga, refunds }, at, [stuck])
  },
}

const disputeLost: Rule<'dispute_lost'> = {
  rows: [29],
  next: ['confirmed', 'completed'],
  decide: (saga, { refundId: id, amountMinor }, at) =>
    saga.lostDispute !== null || saga.refunds.some(known => known.id === id)
      ? ignored
      : settle({ ...saga, lostDispute: { id, amountMinor } }, at, []),
}

/** Something has been silent for too long: a course, a delivery, a refund. */
const standingTimer: Rule<'timer'> = {
  rows: [28],
  next: ['confirmed', 'completed'],
  decide: (saga, _, at) => {
    const silent = silentCourses(saga)
    const hasWaited = (seconds: number) => waitedMs(saga, at) >= seconds * 1_000
    if (silent.length > 0 && hasWaited(at.timing.courseGiveUpSeconds)) {
      return askRefund(saga, ownRefund(saga, 'course_silent', silent, at), at, [stuck])
    }
    const asked = askRefundsAgain(saga, at, isSilentRefund(at))
    const isLate =
      asked.requests.length > 0 ||
      (silent.length > 0 && hasWaited(at.timing.courseSeconds)) ||
      (undelivered(saga).length > 0 && hasWaited(at.timing.deliverySeconds))
    return settle(asked.saga, at, [...asked.requests, ...(isLate ? [stuck] : [])])
  },
}

function isSilentRefund({ now, timing }: At) {
  const askedBefore = now.getTime() - timing.refundSeconds * 1_000
  return ({ state, askedAt }: Refund) => state === 'pending' && askedAt.getTime() <= askedBefore
}

/** A rule of both states where the order can only stay as it is. */
function staying<Kind extends Happening['kind']>(rule: Rule<Kind>, state: State): Rule<Kind> {
  return { ...rule, next: [state] }
}

/** What each state does about each happening; a pair that is not listed is ignored and counted. */
export const table: { readonly [S in State]: Rules } = {
  placed: {
    stock_reserved: {
      rows: [1],
      next: ['awaiting_payment', 'committing'],
      decide: (saga, _, at) =>
        saga.totalMinor === 0
          ? to({ ...saga, moneyDone: true }, 'committing', at, at.timing.commitSeconds, [
              commitStock,
            ])
          : to(saga, 'awaiting_payment', at, at.timing.paymentSeconds, [
              { kind: 'payment_requested' },
            ]),
    },
    stock_rejected: {
      rows: [2],
      next: ['cancelled'],
      decide: (saga, { reason }, at) =>
        ended({ ...saga, stockDone: true, moneyDone: true, reason, cancelledBy: service }, at),
    },
    // Money was never asked for.
    cancel: {
      rows: [3],
      next: ['cancelling'],
      decide: (saga, { by, note }, at) =>
        stop({ ...saga, moneyDone: true }, { reason: 'cancelled_by_customer', by, note }, at),
    },
    timer: {
      rows: [3],
      next: ['cancelling'],
      decide: (saga, _, at) =>
        stop({ ...saga, moneyDone: true }, { reason: 'reservation_timeout', by: timer }, at),
    },
  },
  awaiting_payment: {
    intent_created: {
      rows: [4],
      next: ['awaiting_payment'],
      decide: (saga, { intentId }) => same({ ...saga, intentId }),
    },
    payment_declined: {
      rows: [5, 6],
      next: ['awaiting_payment', 'cancelling'],
      decide: (saga, { code, attemptsLeft }, at) => {
        const declined = { ...saga, declineCode: code, attemptsLeft }
        return attemptsLeft > 0
          ? same(declined)
          : stop(declined, { reason: 'payment_declined', by: service }, at)
      },
    },
    payment_authorized: {
      rows: [7],
      next: ['committing'],
      decide: (saga, _, at) =>
        to({ ...saga, declineCode: null }, 'committing', at, at.timing.commitSeconds, [
          commitStock,
        ]),
    },
    reservation_expired: {
      rows: [8],
      next: ['cancelling'],
      decide: (saga, _, at) =>
        stop({ ...saga, stockDone: true }, { reason: 'reservation_expired', by: service }, at),
    },
    cancel: cancelledIn(9),
    timer: {
      rows: [9],
      next: ['cancelling'],
      decide: (saga, _, at) => stop(saga, { reason: 'payment_timeout', by: timer }, at),
    },
    payment_voided: lapsed,
  },
  committing: {
    payment_voided: lapsed,
    stock_committed: {
      rows: [11],
      next: ['capturing', 'confirmed'],
      decide: (saga, _, at) =>
        saga.totalMinor === 0
          ? confirm(saga, at)
          : to(saga, 'capturing', at, at.timing.captureSeconds, [capture]),
    },
    stock_commit_rejected: {
      rows: [12],
      // A free order has nothing left to wait for.
      next: ['cancelling', 'cancelled'],
      decide: (saga, _, at) =>
        stop({ ...saga, stockDone: true }, { reason: 'out_of_stock', by: service }, at),
    },
    reservation_expired: { rows: [13], next: ['committing'], decide: () => ignored },
    cancel: cancelledIn(14),
    timer: {
      rows: [14],
      next: ['cancelling'],
      decide: (saga, _, at) => stop(saga, { reason: 'commit_timeout', by: timer }, at),
    },
  },
  capturing: {
    payment_voided: lapsed,
    payment_captured: {
      rows: [15],
      next: ['confirmed'],
      decide: (saga, _, at) => confirm({ ...saga, capturedMinor: saga.totalMinor }, at),
    },
    capture_failed: {
      rows: [16],
      next: ['cancelling'],
      decide: (saga, _, at) => stop(saga, { reason: 'capture_failed', by: service }, at),
    },
    cancel: cancelledIn(17),
    // The void that follows settles a capture that was late only.
    timer: {
      rows: [18],
      next: ['capturing', 'cancelling'],
      decide: (saga, _, at) =>
        waitedMs(saga, at) >= at.timing.captureGiveUpSeconds * 1_000
          ? stop(saga, { reason: 'capture_timeout', by: timer }, at)
          : again(saga, at, at.timing.captureSeconds, [capture, stuck]),
    },
  },
  confirmed: {
    enrollment_activated: {
      rows: [19],
      next: ['confirmed', 'completed'],
      decide: (saga, { lineNo }, at) => {
        const line = courseLine(saga, lineNo)
        if (line === undefined || line.delivered > 0) return ignored
        const units = [{ lineNo, quantity: line.quantity }]
        return settle({ ...saga, lines: afterDelivery(saga.lines, units, at.now) }, at, [])
      },
    },
    enrollment_rejected: {
      rows: [20],
      next: ['confirmed', 'completed'],
      decide: (saga, { lineNo, reason }, at) => {
        const line = courseLine(saga, lineNo)
        if (line === undefined || line.delivered > 0) return ignored
        if (!silentCourses(saga).includes(line)) return ignored
        return askRefund(saga, ownRefund(saga, reason, [line], at), at)
      },
    },
    shipped: {
      rows: [21],
      next: ['confirmed'],
      decide: (saga, { fulfillmentId, lines }, at) =>
        canShip(saga, lines)
          ? settle({ ...saga, lines: afterShipping(saga.lines, lines) }, at, [
              { kind: 'order_shipped', fulfillmentId, lines },
            ])
          : ignored,
    },
    delivered: {
      rows: [21],
      next: ['confirmed', 'completed'],
      decide: delivered,
    },
    refund: staying(refund, 'confirmed'),
    refund_succeeded: refundSucceeded,
    refund_failed: refundFailed,
    cancel: {
      rows: [25, 26],
      next: ['confirmed', 'cancelling'],
      decide: (saga, { by, note }, at) =>
        isUntouched(saga) ? stop(saga, { reason: 'cancelled_by_customer', by, note }, at) : ignored,
    },
    payment_voided: {
      rows: [27],
      next: ['confirmed', 'cancelling'],
      decide: (saga, { refundedMinor }, at) =>
        isUntouched(saga)
          ? stop(paidBack(saga, refundedMinor), { reason: 'payment_lapsed', by: service }, at)
          : goneFor(saga),
    },
    timer: standingTimer,
    dispute_lost: disputeLost,
  },
  cancelling: {
    stock_released: {
      rows: [30],
      next: ['cancelling', 'cancelled'],
      decide: (saga, _, at) => ending({ ...saga, stockDone: true }, at),
    },
    payment_voided: {
      rows: [30],
      next: ['cancelling', 'cancelled'],
      decide: (saga, { refundedMinor }, at) => ending(paidBack(saga, refundedMinor), at),
    },
    cancel: { rows: [32], next: ['cancelling'], decide: () => ignored },
    // It never ends without both answers.
    timer: {
      rows: [32],
      next: ['cancelling'],
      decide: (saga, _, at) =>
        again(saga, at, at.timing.cancelSeconds, [...stopRequests(saga), stuck]),
    },
  },
  completed: {
    delivered: { rows: [21], next: ['completed'], decide: delivered },
    refund: staying(refund, 'completed'),
    refund_succeeded: staying(refundSucceeded, 'completed'),
    refund_failed: staying(refundFailed, 'completed'),
    cancel: { rows: [26], next: ['completed'], decide: () => ignored },
    payment_voided: {
      rows: [27],
      next: ['completed'],
      decide: goneFor,
    },
    timer: staying(standingTimer, 'completed'),
    dispute_lost: staying(disputeLost, 'completed'),
  },
  cancelled: {},
}

/** 27. The money of goods that have left is gone: somebody is told of it once. */
function goneFor(saga: Saga): Step {
  return saga.moneyDone ? ignored : same(paidBack(saga, saga.refundedMinor), [stuck])
}

/** Units that were given up on their way may arrive all the same, also after the order completed. */
function delivered(saga: Saga, { fulfillmentId, lines }: Parcel, at: At): Step {
  return canDeliver(saga, lines)
    ? settle({ ...saga, lines: afterDelivery(saga.lines, lines, at.now) }, at, [
        { kind: 'order_delivered', fulfillmentId, lines },
      ])
    : ignored
}

/** A refund that the saga asks for by itself, of all that is left of `lines`. */
function ownRefund(saga: Saga, reason: string, lines: Saga['lines'], { refundId }: At) {
  return {
    id: refundId,
    returnId: null,
    cause: 'rejected_line',
    reason,
    lines: lines.map(line => wholeRest(saga, line)),
  } as const
}

/** A capture may have become known with its refund only. */
function paidBack(saga: Saga, refundedMinor: number): Saga {
  const capturedMinor = Math.max(saga.capturedMinor, refundedMinor)
  return { ...saga, moneyDone: true, capturedMinor, refundedMinor }
}

function courseLine({ lines, ...progress }: Saga, wanted: number) {
  const line = lines.find(({ lineNo, kind }) => lineNo === wanted && kind === 'course')
  return line !== undefined && restOf({ lines, ...progress }, line).quantity > 0 ? line : undefined
}

function waitedMs({ askedAt }: Saga, { now }: At): number {
  return now.getTime() - askedAt.getTime()
}
