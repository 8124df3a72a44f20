import {
  reservationExpired,
  stockCommitRejected,
  stockCommitted,
  stockRejected,
  stockReleased,
  stockReserved,
} from '@campus/contracts/events/catalog'
import { enrollmentActivated, enrollmentRejected } from '@campus/contracts/events/courses'
import { type Line, orderPlaced, type Ref } from '@campus/contracts/events/orders'
import {
  captureFailed,
  disputeClosed,
  intentCreated,
  paymentAuthorized,
  paymentCaptured,
  paymentDeclined,
  paymentVoided,
  refundFailed,
  refundSucceeded,
} from '@campus/contracts/events/payments'
import { asId, type CartId, type OrderId, type RefundId, type UserId } from '@campus/contracts/ids'
import { holdSeconds, paymentSeconds } from '@campus/contracts/timing'
import { AppError } from '@campus/platform/errors'
import type { Offers } from '../../../services/orders/src/assortment/offer.ts'
import { type CartLine, priced, totalOf } from '../../../services/orders/src/cart/cart.ts'
import {
  decidePlacement,
  type Order,
  progressOf,
} from '../../../services/orders/src/checkout/order.ts'
import { toEvent } from '../../../services/orders/src/checkout/requests.ts'
import { placed, ruleOf, step } from '../../../services/orders/src/checkout/saga.ts'
import type { Happening, Timing } from '../../../services/orders/src/checkout/saga-state.ts'
import { type Consumer, createConsumer, type Did, on } from './bus.ts'
import { createDatabase, type Database, type Fate, type Tx } from './database.ts'
import { must, short, type World } from './world.ts'

// The orders service: sagas and their timers. Decisions are the service's own; what stands around them
// is its command: state and events of a step in one transaction, under the lock of the order.

/** The defaults of the service. */
const timing: Timing = {
  reserveSeconds: 300,
  paymentSeconds,
  commitSeconds: 600,
  captureSeconds: 600,
  captureGiveUpSeconds: 3_600,
  cancelSeconds: 600,
  courseSeconds: 900,
  courseGiveUpSeconds: 86_400,
  deliverySeconds: 1_209_600,
  refundSeconds: 86_400,
}

export interface Orders {
  readonly db: Database
  readonly consumer: Consumer
  readonly orders: Map<OrderId, Order>
  readonly lines: Map<OrderId, readonly Line[]>
  /** Rules of the saga's table that had an effect, as `state event`. */
  readonly met: Set<string>
  place(userId: UserId, cart: readonly CartLine[], offers: Offers): Did
  /** Somebody does something about an order; a refusal changes nothing. */
  tell(orderId: OrderId, decide: (order: Order) => Happening): Did
  /** Fires the timer of one order whose time is over. */
  fire(fate: Fate): Did
  nextDue(): Date | undefined
}

/** An orders service that knows no order. */
export function createOrders(world: World): Orders {
  const db = createDatabase(world, 'orders')
  const orders = new Map<OrderId, Order>()
  const lines = new Map<OrderId, readonly Line[]>()
  const met = new Set<string>()
  const at = () => ({ now: world.now, timing, refundId: world.newId<RefundId>() })

  function advance(tx: Tx, orderId: OrderId, happening: Happening): void {
    const order = orders.get(orderId)
    if (order === undefined) return
    const { state } = order.saga
    const outcome = step(order.saga, happening, at())
    if (outcome.kind === 'ignored') return
    met.add(`${state} ${happening.kind}`)
    const { saga, publish } = outcome
    const isListed = ruleOf(state, happening.kind)?.next.includes(saga.state) === true
    must(isListed, `O1: ${state} ${happening.kind} → ${saga.state} is not in the table`)
    const isConfirmed = publish.some(({ kind }) => kind === 'order_confirmed')
    const next: Order = {
      ...order,
      saga,
      version: order.version + 1,
      confirmedAt: isConfirmed ? world.now : order.confirmedAt,
      updatedAt: world.now,
    }
    tx.put(orders, orderId, next)
    const ordered = lines.get(orderId) ?? []
    tx.emit(...publish.map(request => toEvent(request, next, ordered, world.now)))
  }

  /** An answer. Told once more it asks nobody for anything (O7). */
  function hear(tx: Tx, orderId: OrderId, happening: Happening): void {
    advance(tx, orderId, happening)
    const order = orders.get(orderId)
    if (order === undefined) return
    const again = step(order.saga, happening, at())
    if (again.kind === 'ignored') return
    const asked = again.publish.filter(({ kind }) => kind !== 'order_stuck')
    must(asked.length === 0, `O7: ${happening.kind} twice asks for ${asked[0]?.kind}`)
  }

  function hearOf(tx: Tx, ref: Ref, happening: Happening): void {
    if (ref.type === 'order') hear(tx, asId<OrderId>(ref.id), happening)
  }

  const consumer = createConsumer(db, [
    on(stockReserved, (tx, { orderId }) => hear(tx, orderId, { kind: 'stock_reserved' })),
    on(stockRejected, (tx, { orderId, refusals }) => {
      const reason = refusals[0]?.code ?? 'out_of_stock'
      hear(tx, orderId, { kind: 'stock_rejected', reason })
    }),
    on(stockCommitted, (tx, { orderId }) => hear(tx, orderId, { kind: 'stock_committed' })),
    on(stockCommitRejected, (tx, { orderId }) =>
      hear(tx, orderId, { kind: 'stock_commit_rejected' }),
    ),
    on(stockReleased, (tx, { orderId }) => hear(tx, orderId, { kind: 'stock_released' })),
    on(reservationExpired, (tx, { orderId }) => hear(tx, orderId, { kind: 'reservation_expired' })),
    on(intentCreated, (tx, { ref, intentId }) =>
      hearOf(tx, ref, { kind: 'intent_created', intentId }),
    ),
    on(paymentDeclined, (tx, { ref, code, retryable, attemptsLeftCount }) => {
      const attemptsLeft = retryable ? attemptsLeftCount : 0
      hearOf(tx, ref, { kind: 'payment_declined', code, attemptsLeft })
    }),
    on(paymentAuthorized, (tx, { ref }) => hearOf(tx, ref, { kind: 'payment_authorized' })),
    on(paymentCaptured, (tx, { ref }) => hearOf(tx, ref, { kind: 'payment_captured' })),
    on(captureFailed, (tx, { ref }) => hearOf(tx, ref, { kind: 'capture_failed' })),
    on(paymentVoided, (tx, { ref, outcome, amount }) => {
      const refundedMinor = outcome === 'refunded' ? (amount?.amount ?? 0) : 0
      hearOf(tx, ref, { kind: 'payment_voided', refundedMinor })
    }),
    on(refundSucceeded, (tx, { ref, refundId }) =>
      hearOf(tx, ref, { kind: 'refund_succeeded', refundId }),
    ),
    on(refundFailed, (tx, { ref, refundId, final: isFinal }) =>
      hearOf(tx, ref, { kind: 'refund_failed', refundId, isFinal }),
    ),
    on(disputeClosed, (tx, { ref, disputeId, amount, outcome }) => {
      if (outcome === 'won') return
      const refundId = asId<RefundId>(disputeId)
      hearOf(tx, ref, { kind: 'dispute_lost', refundId, amountMinor: amount.amount })
    }),
    on(enrollmentActivated, (tx, { source: { type, orderId, lineNo } }) => {
      if (type !== 'order' || orderId === undefined || lineNo === undefined) return
      hear(tx, orderId, { kind: 'enrollment_activated', lineNo })
    }),
    on(enrollmentRejected, (tx, { orderId, lineNo, reason }) =>
      hear(tx, orderId, { kind: 'enrollment_rejected', lineNo, reason }),
    ),
  ])

  function place(userId: UserId, wanted: readonly CartLine[], offers: Offers): Did {
    const cartId = world.newId<CartId>()
    const cart = { id: cartId, userId, state: 'open', version: 1, lines: wanted } as const
    const cartLines = priced(wanted, offers)
    const made = decidePlacement(cart, cartLines, totalOf(cartLines))
    const { totals } = made
    const id = world.newId<OrderId>()
    const progress = progressOf(made.lines)
    const totalMinor = totals.total.amount
    const order: Order = {
      id,
      cartId,
      userId,
      addressId: null,
      paymentMethodId: null,
      coupon: null,
      totals,
      placedAt: world.now,
      confirmedAt: null,
      updatedAt: world.now,
      version: 1,
      correlationId: id,
      saga: placed({ totalMinor, lines: progress }, world.now, timing),
      happenings: [],
    }
    db.transaction('commit', tx => {
      tx.put(orders, id, order)
      tx.put(lines, id, made.lines)
      tx.emit(
        orderPlaced.of({ orderId: id, cartId, userId, lines: made.lines, totals, holdSeconds }),
      )
    })
    return `buyer places ${short(id)} of ${totalMinor}`
  }

  function due(): Order[] {
    if (world.sabotage === 'no_timers') return []
    return [...orders.values()].filter(({ saga }) => saga.timerAt && saga.timerAt <= world.now)
  }

  return {
    db,
    consumer,
    orders,
    lines,
    met,
    place,
    tell(orderId, decide) {
      const order = orders.get(orderId)
      if (order === undefined) return undefined
      try {
        const happening = decide(order)
        db.transaction('commit', tx => advance(tx, orderId, happening))
        return `${happening.kind} of ${short(orderId)} while ${order.saga.state}`
      } catch (error) {
        if (!(error instanceof AppError)) throw error
        return `a wish for ${short(orderId)}: ${error.code}`
      }
    },
    fire(fate) {
      const found = due()
      if (found.length === 0) return undefined
      const { id, saga } = world.random.pick(found)
      db.transaction(fate, tx => advance(tx, id, { kind: 'timer' }))
      return `timer of ${short(id)} while ${saga.state}${fate === 'crash' ? ': dies' : ''}`
    },
    nextDue() {
      if (world.sabotage === 'no_timers') return undefined
      const moments = [...orders.values()].flatMap(({ saga }) => saga.timerAt?.getTime() ?? [])
      return moments.length === 0 ? undefined : new Date(Math.min(...moments))
    },
  }
}
