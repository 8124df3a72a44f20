import { EventEmitter } from 'node:events'
import type { OrderId, RefundId, ReturnId } from '@campus/contracts/ids'
import { onCommit, type Tx } from '@campus/platform/data/postgres'
import { emit } from '@campus/platform/events/outbox'
import { newId } from '@campus/platform/new-id'
import type { Counter } from '@campus/platform/process/metrics'
import { noting } from './noted.ts'
import { linesOf, lockOrder, saveHappenings, saveStep, saveVersion } from './order.store.ts'
import type { Order } from './order.ts'
import { toEvent } from './requests.ts'
import { askAgain, step } from './saga.ts'
import type { Happening, Step, Timing } from './saga-state.ts'
import { addEntries } from './timeline.store.ts'
import { type Entry, entriesOf } from './timeline.ts'

export interface SagaDeps {
  readonly timing: Timing
  /** `saga_ignored_total{state,event}`. */
  readonly ignored: Counter<'state' | 'event'>
  /** The refund of a return has succeeded; part of the same transaction. */
  readonly closeReturn: (tx: Tx, returnId: ReturnId, now: Date) => Promise<void>
  /** An order with a discount was cancelled: the coupon may be used again. Part of it as well. */
  readonly returnCoupon: (tx: Tx, orderId: OrderId, now: Date) => Promise<void>
}

/** Fires with an order's id once a change of it has committed. */
const orderChanged = new EventEmitter()
orderChanged.setMaxListeners(0)

/** Calls `listener` after each change of an order by this process. @returns how to stop */
export function onOrderChanged(orderId: OrderId, listener: () => void): () => void {
  orderChanged.on(orderId, listener)
  return () => orderChanged.off(orderId, listener)
}

/**
 * Tells the saga of an order what has happened and carries out its decision: state and requests in
 * one transaction. An unknown order and a pair that the table does not list change nothing.
 */
export async function advanceOrder(
  tx: Tx,
  deps: SagaDeps,
  orderId: OrderId,
  happening: Happening,
  now: Date,
): Promise<Order | undefined> {
  const order = await lockOrder(tx, orderId)
  return order && advanceLocked(tx, deps, order, happening, now)
}

/** The same for an order that this transaction has locked already. */
export async function advanceLocked(
  tx: Tx,
  deps: SagaDeps,
  order: Order,
  happening: Happening,
  now: Date,
): Promise<Order> {
  const { timing, ignored } = deps
  const { state } = order.saga
  const outcome = step(order.saga, happening, { now, timing, refundId: newId<RefundId>() })
  const isIgnored = outcome.kind === 'ignored'
  const happenings = noting(order.happenings, { event: happening.kind, at: now, state, isIgnored })
  const noted = { ...order, happenings }
  if (isIgnored) {
    ignored.inc({ state, event: happening.kind })
    await saveHappenings(tx, noted)
    return noted
  }
  await addEntries(tx, order.id, entriesOf(order, happening, outcome), now)
  return carryOut(tx, deps, noted, outcome, now)
}

/**
 * The same for a happening that depends on the order.
 *
 * @param decide may refuse, which changes nothing
 * @returns undefined when the order is unknown
 */
export async function changeOrder(
  tx: Tx,
  deps: SagaDeps,
  orderId: OrderId,
  decide: (order: Order) => Happening,
  now: Date,
): Promise<Order | undefined> {
  const order = await lockOrder(tx, orderId)
  return order && advanceLocked(tx, deps, order, decide(order), now)
}

/** Asks for whatever a locked order waits for once more. @returns undefined when it asks nobody */
export async function askAgainLocked(
  tx: Tx,
  deps: SagaDeps,
  order: Order,
  now: Date,
): Promise<Order | undefined> {
  const { timing } = deps
  const outcome = askAgain(order.saga, { now, timing, refundId: newId<RefundId>() })
  return outcome.kind === 'ignored' ? undefined : carryOut(tx, deps, order, outcome, now)
}

/** Adds to the story of a locked order what its saga has no part in, so that whoever watches sees it. */
export async function noteLocked(tx: Tx, order: Order, entry: Entry, now: Date): Promise<Order> {
  const next: Order = { ...order, version: order.version + 1, updatedAt: now }
  await saveVersion(tx, next)
  await addEntries(tx, order.id, [entry], now)
  onCommit(tx, () => orderChanged.emit(next.id))
  return next
}

async function carryOut(
  tx: Tx,
  { closeReturn, returnCoupon }: SagaDeps,
  order: Order,
  { saga, publish }: Extract<Step, { kind: 'stepped' }>,
  now: Date,
): Promise<Order> {
  const isConfirmed = publish.some(({ kind }) => kind === 'order_confirmed')
  const next: Order = {
    ...order,
    saga,
    version: order.version + 1,
    confirmedAt: isConfirmed ? now : order.confirmedAt,
    updatedAt: now,
  }
  await saveStep(tx, order, next)
  const closed = publish.flatMap(request =>
    request.kind === 'return_closed' ? [request.returnId] : [],
  )
  for (const returnId of closed) await closeReturn(tx, returnId, now)
  const isCancelled = publish.some(({ kind }) => kind === 'order_cancelled')
  if (isCancelled && next.totals.discount.amount > 0) await returnCoupon(tx, next.id, now)
  const lines = isConfirmed || closed.length > 0 ? await linesOf(tx, order) : []
  emit(tx, ...publish.map(request => toEvent(request, next, lines, now)))
  onCommit(tx, () => orderChanged.emit(next.id))
  return next
}
