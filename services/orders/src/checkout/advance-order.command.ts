import { EventEmitter } from 'node:events'
import type { OrderId, RefundId, ReturnId } from '@campus/contracts/ids'
import { onCommit, type Tx, writeTogether } from '@campus/platform/data/postgres'
import { emit } from '@campus/platform/events/outbox'
import { newId } from '@campus/platform/new-id'
import { currentFlow, type Flow, withFlow } from '@campus/platform/process/flow'
import type { Counter } from '@campus/platform/process/metrics'
import { noting } from './noted.ts'
import { linesOfOrders, lockOrder, lockOrders, saveSteps, saveVersion } from './order.store.ts'
import type { Order } from './order.ts'
import { needsLines, toEvent } from './requests.ts'
import { askAgain, step } from './saga.ts'
import type { Happening, Request, Step, Timing } from './saga-state.ts'
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

type Stepped = Extract<Step, { kind: 'stepped' }>

/** Fires with an order's id once a change of it has committed. */
const orderChanged = new EventEmitter()
orderChanged.setMaxListeners(0)

/** Calls `listener` after each change of an order by this process. @returns how to stop */
export function onOrderChanged(orderId: OrderId, listener: (order: Order) => unknown): () => void {
  orderChanged.on(orderId, listener)
  return () => orderChanged.off(orderId, listener)
}

/** Something that has happened to an order, and the story that it is part of. */
interface Told {
  readonly orderId: OrderId
  readonly happening: Happening
  readonly now: Date
  readonly flow: Flow | undefined
}

/** Tells the saga of an order that something has happened. */
export type Tell = (tx: Tx, orderId: OrderId, happening: Happening, now: Date) => void

/**
 * Makes a way to tell sagas what has happened. All that is told in a transaction is decided at its end, one
 * after the other, and carried out together: states and requests in the same transaction. An unknown
 * order and a pair that the table does not list change nothing.
 */
export function createTell(deps: SagaDeps): Tell {
  const tell = writeTogether<Told>(async (tx, told) => {
    const orders = await lockOrders(tx, [...new Set(told.map(({ orderId }) => orderId))])
    const taken: Taken[] = []
    for (const { orderId, happening, now, flow } of told) {
      const order = orders.get(orderId)
      if (order === undefined) continue
      const one = take(deps, order, happening, now)
      orders.set(orderId, one.next)
      taken.push({ ...one, flow })
    }
    await carryOut(tx, deps, taken)
  })
  return (tx, orderId, happening, now) => {
    tell(tx, { orderId, happening, now, flow: currentFlow() })
  }
}

/** Tells the saga of an order that this transaction has locked, and carries out its decision. */
export async function advanceLocked(
  tx: Tx,
  deps: SagaDeps,
  order: Order,
  happening: Happening,
  now: Date,
): Promise<Order> {
  const taken = take(deps, order, happening, now)
  await carryOut(tx, deps, [{ ...taken, flow: currentFlow() }])
  return taken.next
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
  if (outcome.kind === 'ignored') return undefined
  const next = after(order, outcome, now)
  const { publish } = outcome
  await carryOut(tx, deps, [{ next, publish, entries: [], now, flow: currentFlow() }])
  return next
}

/** Adds to the story of a locked order what its saga has no part in, so that whoever watches sees it. */
export async function noteLocked(tx: Tx, order: Order, entry: Entry, now: Date): Promise<Order> {
  const next: Order = { ...order, version: order.version + 1, updatedAt: now }
  await saveVersion(tx, next)
  await addEntries(tx, [{ ...entry, orderId: order.id, at: now }])
  onCommit(tx, () => orderChanged.emit(next.id, next))
  return next
}

/** What a saga has decided about a happening. */
interface Taken {
  readonly next: Order
  readonly publish: readonly Request[]
  readonly entries: readonly Entry[]
  readonly now: Date
  readonly flow: Flow | undefined
}

function take(
  { timing, ignored }: SagaDeps,
  before: Order,
  happening: Happening,
  now: Date,
): Omit<Taken, 'flow'> {
  const { state } = before.saga
  const outcome = step(before.saga, happening, { now, timing, refundId: newId<RefundId>() })
  const isIgnored = outcome.kind === 'ignored'
  const happenings = noting(before.happenings, { event: happening.kind, at: now, state, isIgnored })
  const order = { ...before, happenings }
  if (outcome.kind === 'ignored') {
    ignored.inc({ state, event: happening.kind })
    return { next: order, publish: [], entries: [], now }
  }
  const entries = entriesOf(before, happening, outcome)
  return { next: after(order, outcome, now), publish: outcome.publish, entries, now }
}

function after(order: Order, { saga, publish }: Stepped, now: Date): Order {
  const isConfirmed = publish.some(({ kind }) => kind === 'order_confirmed')
  return {
    ...order,
    saga,
    version: order.version + 1,
    confirmedAt: isConfirmed ? now : order.confirmedAt,
    updatedAt: now,
  }
}

/** Writes what was decided about locked orders and publishes their requests. */
async function carryOut(
  tx: Tx,
  { closeReturn, returnCoupon }: SagaDeps,
  taken: readonly Taken[],
): Promise<void> {
  const changed = new Map(taken.map(({ next }) => [next.id, next]))
  await saveSteps(tx, [...changed.values()])
  await addEntries(
    tx,
    taken.flatMap(({ next, entries, now: at }) =>
      entries.map(entry => ({ ...entry, orderId: next.id, at })),
    ),
  )
  for (const { next, publish, now } of taken) {
    for (const request of publish) {
      if (request.kind === 'return_closed') await closeReturn(tx, request.returnId, now)
      const isCancelled = request.kind === 'order_cancelled'
      if (isCancelled && next.totals.discount.amount > 0) await returnCoupon(tx, next.id, now)
    }
  }
  const lines = await linesOfOrders(
    tx,
    taken.filter(({ publish }) => publish.some(needsLines)).map(({ next }) => next),
  )
  for (const { next, publish, now, flow } of taken) {
    const events = publish.map(request => toEvent(request, next, lines.get(next.id) ?? [], now))
    if (flow === undefined) emit(tx, ...events)
    else withFlow(flow, () => emit(tx, ...events))
  }
  for (const order of changed.values()) onCommit(tx, () => orderChanged.emit(order.id, order))
}
