import type { CancelReason, RefundCause, ShippedLine } from '@campus/contracts/events/orders'
import type { By } from '@campus/contracts/fields'
import type { FulfillmentId, IntentId, RefundId, ReturnId } from '@campus/contracts/ids'
import type { LineProgress, Refund, RefundLine } from './progress.ts'

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

/** Whether nothing is asked of anybody any more; a completed order may still be refunded. */
export function isOver(state: State): boolean {
  return state === 'completed' || state === 'cancelled'
}

/** Units that left the warehouse together. */
export interface Parcel {
  readonly fulfillmentId: FulfillmentId
  readonly lines: readonly ShippedLine[]
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
  /** `refundedMinor` is what was given back, 0 when nothing had been captured. */
  | { readonly kind: 'payment_voided'; readonly refundedMinor: number }
  | { readonly kind: 'enrollment_activated'; readonly lineNo: number }
  | { readonly kind: 'enrollment_rejected'; readonly lineNo: number; readonly reason: string }
  | ({ readonly kind: 'shipped'; readonly trackingCode?: string | null } & Parcel)
  | ({ readonly kind: 'delivered' } & Parcel)
  /** Staff, or a return that arrived, gives money back. */
  | {
      readonly kind: 'refund'
      readonly refundId: RefundId
      readonly returnId: ReturnId | null
      readonly cause: RefundCause
      readonly reason: string
      readonly lines: readonly RefundLine[]
    }
  | { readonly kind: 'refund_succeeded'; readonly refundId: RefundId }
  | { readonly kind: 'refund_failed'; readonly refundId: RefundId; readonly isFinal: boolean }
  /** The bank took the money back; the dispute's id is that of the refund it amounts to. */
  | { readonly kind: 'dispute_lost'; readonly refundId: RefundId; readonly amountMinor: number }
  | { readonly kind: 'cancel'; readonly by: By; readonly note?: string }
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
  'enrollment_activated',
  'enrollment_rejected',
  'shipped',
  'delivered',
  'refund',
  'refund_succeeded',
  'refund_failed',
  'dispute_lost',
  'cancel',
  'timer',
] as const satisfies readonly Happening['kind'][]

/** Money that the bank took back; `id` is that of the refund that it amounts to. */
export interface LostDispute {
  readonly id: RefundId
  readonly amountMinor: number
}

/** The part of an order that the saga decides about. */
export interface Saga {
  readonly state: State
  /** Nothing of the stock is held or sold for this order any more. */
  readonly stockDone: boolean
  /** No money of this order is held or kept any more. */
  readonly moneyDone: boolean
  /** Minor units that the buyer has agreed to; 0 asks for no payment. */
  readonly totalMinor: number
  readonly capturedMinor: number
  /** What was given back altogether. */
  readonly refundedMinor: number
  readonly lines: readonly LineProgress[]
  readonly refunds: readonly Refund[]
  /** What the bank took; told once no refund is without an answer. */
  readonly lostDispute: LostDispute | null
  readonly intentId: IntentId | null
  readonly declineCode: string | null
  readonly attemptsLeft: number | null
  readonly reason: CancelReason | null
  readonly cancelledBy: By | null
  /** What staff said when it stopped the order. */
  readonly note: string | null
  readonly timerAt: Date | null
  /** Since when the present state has waited. */
  readonly askedAt: Date
  /** Since when somebody should look at it. */
  readonly stuckAt: Date | null
}

/** What a step publishes, in this order. */
export type Request =
  | {
      readonly kind:
        | 'payment_requested'
        | 'stock_commit_requested'
        | 'capture_requested'
        | 'stock_release_requested'
        | 'payment_void_requested'
        | 'order_confirmed'
        | 'order_completed'
        | 'order_cancelled'
        | 'order_stuck'
    }
  | ({ readonly kind: 'order_shipped' | 'order_delivered' } & Parcel)
  | { readonly kind: 'refund_requested' | 'order_refunded'; readonly refund: Refund }
  | { readonly kind: 'return_closed'; readonly returnId: ReturnId; readonly refund: Refund }

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
  /** A course line without an enrolment is shown after the first and refunded after the second. */
  readonly courseSeconds: number
  readonly courseGiveUpSeconds: number
  /** Goods that are not delivered are shown after this time, again and again. */
  readonly deliverySeconds: number
  /** A refund without an answer is asked for again. */
  readonly refundSeconds: number
}

/** What a step may know beside the saga and the happening. */
export interface At {
  readonly now: Date
  readonly timing: Timing
  /** A fresh id, for a refund that the saga asks for by itself. */
  readonly refundId: RefundId
}
