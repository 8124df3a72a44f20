import type { CancelReason } from '@campus/contracts/events/orders'
import type { By } from '@campus/contracts/fields'
import type { IntentId } from '@campus/contracts/ids'

// The checkout saga: what an order does about each thing that can happen to it, as one total table
// `state × event → state + what to publish`. A pair that is not listed is ignored and counted, which
// is the right answer to duplicates and late replies (O7). Every request that the saga publishes is
// an event of the order; catalog and payments answer each exactly once, and answer again when asked
// again. Every order ends: each waiting state has a timer, and `cancelling` waits for both answers.
//
//   placed → awaiting_payment → committing → capturing → confirmed
//      └──────────┴────────────────┴────────────┴────────────┴──→ cancelling → cancelled

export const states = [
  'placed',
  'awaiting_payment',
  'committing',
  'capturing',
  'confirmed',
  'cancelling',
  'completed',
  'cancelled',
] as const
export type State = (typeof states)[number]

/** Whether nothing can change this order any more. */
export function isOver(state: State): boolean {
  return state === 'completed' || state === 'cancelled'
}

/** What can happen to an order. */
export type Happening =
  | { readonly kind: 'stock_reserved' }
  | { readonly kind: 'stock_rejected'; readonly reason: CancelReason }
  | { readonly kind: 'stock_committed' }
  | { readonly kind: 'stock_commit_rejected' }
  | { readonly kind: 'stock_released' }
  | { readonly kind: 'reservation_expired' }
  | { readonly kind: 'intent_created'; readonly intentId: IntentId }
  | { readonly kind: 'payment_declined'; readonly code: string; readonly attemptsLeft: number }
  | { readonly kind: 'payment_authorized' }
  | { readonly kind: 'payment_captured' }
  | { readonly kind: 'capture_failed' }
  | { readonly kind: 'payment_voided' }
  | { readonly kind: 'cancel'; readonly by: By }
  | { readonly kind: 'timer' }

export const happenings = [
  'stock_reserved',
  'stock_rejected',
  'stock_committed',
  'stock_commit_rejected',
  'stock_released',
  'reservation_expired',
  'intent_created',
  'payment_declined',
  'payment_authorized',
  'payment_captured',
  'capture_failed',
  'payment_voided',
  'cancel',
  'timer',
] as const satisfies readonly Happening['kind'][]

/** The part of an order that the saga decides about. */
export interface Saga {
  readonly state: State
  /** Nothing of the stock is held or sold for this order any more. */
  readonly stockDone: boolean
  /** No money of this order is held or kept any more. */
  readonly moneyDone: boolean
  /** Nothing is to be paid: no payment is asked for. */
  readonly isFree: boolean
  readonly intentId: IntentId | null
  readonly declineCode: string | null
  readonly attemptsLeft: number | null
  readonly reason: CancelReason | null
  readonly cancelledBy: By | null
  readonly timerAt: Date | null
  /** Since when the present state has waited. */
  readonly askedAt: Date
}

/** What a step publishes, in this order. */
export type Request =
  | 'payment_requested'
  | 'stock_commit_requested'
  | 'capture_requested'
  | 'stock_release_requested'
  | 'payment_void_requested'
  | 'order_confirmed'
  | 'order_cancelled'
  | 'order_stuck'

/** Outcome of a happening. */
export type Step =
  | { readonly kind: 'ignored' }
  | { readonly kind: 'stepped'; readonly saga: Saga; readonly publish: readonly Request[] }

/** How long each state waits. */
export interface Timing {
  readonly reserveSeconds: number
  readonly paymentSeconds: number
  readonly commitSeconds: number
  readonly captureSeconds: number
  /** A capture that stays silent this long is given up. */
  readonly captureGiveUpSeconds: number
  readonly cancelSeconds: number
}

type Rule<Kind extends Happening['kind']> = (
  saga: Saga,
  happening: Extract<Happening, { kind: Kind }>,
  at: At,
) => Step
type Row = { readonly [Kind in Happening['kind']]?: Rule<Kind> }

/** What `now` and the table make of `happening`. The numbers are the rows of the design's table. */
export function step(saga: Saga, happening: Happening, now: Date, timing: Timing): Step {
  const at = { now, timing }
  const row: Row = table[saga.state]
  return apply(row, saga, happening, at)
}

/** The saga of an order that was placed at `now`. */
export function placed(isFree: boolean, now: Date, timing: Timing): Saga {
  return {
    state: 'placed',
    stockDone: false,
    moneyDone: false,
    isFree,
    intentId: null,
    declineCode: null,
    attemptsLeft: null,
    reason: null,
    cancelledBy: null,
    timerAt: after(now, timing.reserveSeconds),
    askedAt: now,
  }
}

const timer = { type: 'timer', id: 'checkout' } as const
const service = { type: 'service', id: 'orders' } as const

const table: { readonly [S in State]: Row } = {
  placed: {
    // 1. A free order needs no payment.
    stock_reserved: (saga, _, at) =>
      saga.isFree
        ? to({ ...saga, moneyDone: true }, 'committing', at, at.timing.commitSeconds, [
            'stock_commit_requested',
          ])
        : to(saga, 'awaiting_payment', at, at.timing.paymentSeconds, ['payment_requested']),
    // 2.
    stock_rejected: (saga, { reason }, at) =>
      ended({ ...saga, stockDone: true, moneyDone: true, reason, cancelledBy: service }, at),
    // 3. Money was never asked for.
    cancel: (saga, { by }, at) =>
      stop({ ...saga, moneyDone: true }, 'cancelled_by_customer', by, at),
    timer: (saga, _, at) => stop({ ...saga, moneyDone: true }, 'reservation_timeout', timer, at),
  },
  awaiting_payment: {
    // 4.
    intent_created: (saga, { intentId }) => same({ ...saga, intentId }),
    // 5. and 6.
    payment_declined: (saga, { code, attemptsLeft }, at) => {
      const declined = { ...saga, declineCode: code, attemptsLeft }
      return attemptsLeft > 0 ? same(declined) : stop(declined, 'payment_declined', service, at)
    },
    // 7.
    payment_authorized: (saga, _, at) =>
      to({ ...saga, declineCode: null }, 'committing', at, at.timing.commitSeconds, [
        'stock_commit_requested',
      ]),
    // 8.
    reservation_expired: (saga, _, at) =>
      stop({ ...saga, stockDone: true }, 'reservation_expired', service, at),
    // 9.
    cancel: (saga, { by }, at) => stop(saga, 'cancelled_by_customer', by, at),
    timer: (saga, _, at) => stop(saga, 'payment_timeout', timer, at),
    // 10.
    payment_voided: lapsed,
  },
  committing: {
    payment_voided: lapsed,
    // 11.
    stock_committed: (saga, _, at) =>
      saga.isFree
        ? to(saga, 'confirmed', at, null, ['order_confirmed'])
        : to(saga, 'capturing', at, at.timing.captureSeconds, ['capture_requested']),
    // 12.
    stock_commit_rejected: (saga, _, at) =>
      stop({ ...saga, stockDone: true }, 'out_of_stock', service, at),
    // 13. The commit answer decides, so reservation_expired is not listed.
    // 14.
    cancel: (saga, { by }, at) => stop(saga, 'cancelled_by_customer', by, at),
    timer: (saga, _, at) => stop(saga, 'commit_timeout', timer, at),
  },
  capturing: {
    payment_voided: lapsed,
    // 15.
    payment_captured: (saga, _, at) => to(saga, 'confirmed', at, null, ['order_confirmed']),
    // 16.
    capture_failed: (saga, _, at) => stop(saga, 'capture_failed', service, at),
    // 17.
    cancel: (saga, { by }, at) => stop(saga, 'cancelled_by_customer', by, at),
    // 18. Asks again, and gives up after a while: the void that follows settles a late capture.
    timer: (saga, _, at) =>
      at.now.getTime() - saga.askedAt.getTime() >= at.timing.captureGiveUpSeconds * 1000
        ? stop(saga, 'capture_timeout', timer, at)
        : again(saga, at, at.timing.captureSeconds, ['capture_requested', 'order_stuck']),
  },
  confirmed: {
    // 25. Nothing has been shipped yet: everything is given back.
    cancel: (saga, { by }, at) => stop(saga, 'cancelled_by_customer', by, at),
  },
  cancelling: {
    // 30. Other earlier answers are not listed (31): the answer to the stop request follows them.
    stock_released: (saga, _, at) => ending({ ...saga, stockDone: true }, at),
    payment_voided: (saga, _, at) => ending({ ...saga, moneyDone: true }, at),
    // 32. Never ends without both answers.
    timer: (saga, _, at) =>
      again(saga, at, at.timing.cancelSeconds, [...stopRequests(saga), 'order_stuck']),
  },
  completed: {},
  // 33.
  cancelled: {},
}

function apply(row: Row, saga: Saga, happening: Happening, at: At): Step {
  // The rule of a kind is given the happening of that kind: the table's type keeps them together.
  // oxlint-disable-next-line no-unsafe-type-assertion
  const rule = row[happening.kind] as Rule<Happening['kind']> | undefined
  return rule === undefined ? { kind: 'ignored' } : rule(saga, happening, at)
}

interface At {
  readonly now: Date
  readonly timing: Timing
}

function after(now: Date, seconds: number): Date {
  return new Date(now.getTime() + seconds * 1000)
}

function same(saga: Saga): Step {
  return { kind: 'stepped', saga, publish: [] }
}

function to(
  saga: Saga,
  state: State,
  { now }: At,
  waitSeconds: number | null,
  publish: readonly Request[],
): Step {
  const timerAt = waitSeconds === null ? null : after(now, waitSeconds)
  return { kind: 'stepped', saga: { ...saga, state, timerAt, askedAt: now }, publish }
}

function again(saga: Saga, { now }: At, seconds: number, publish: readonly Request[]): Step {
  return { kind: 'stepped', saga: { ...saga, timerAt: after(now, seconds) }, publish }
}

/** Takes everything back: asks for the stock and the money that may still be held. */
function stop(saga: Saga, reason: CancelReason, by: By, at: At): Step {
  const stopping = { ...saga, reason, cancelledBy: by }
  return stopping.stockDone && stopping.moneyDone
    ? ended(stopping, at)
    : to(stopping, 'cancelling', at, at.timing.cancelSeconds, stopRequests(stopping))
}

function stopRequests({ stockDone, moneyDone }: Saga): Request[] {
  const requests: Request[] = []
  if (!stockDone) requests.push('stock_release_requested')
  if (!moneyDone) requests.push('payment_void_requested')
  return requests
}

/** 10. The provider let the authorisation lapse. */
function lapsed(saga: Saga, _: unknown, at: At): Step {
  return stop({ ...saga, moneyDone: true }, 'payment_lapsed', service, at)
}

function ending(saga: Saga, at: At): Step {
  return saga.stockDone && saga.moneyDone ? ended(saga, at) : same(saga)
}

function ended(saga: Saga, at: At): Step {
  return to(saga, 'cancelled', at, null, ['order_cancelled'])
}
