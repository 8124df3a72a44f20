import { EventEmitter } from 'node:events'
import type { OrderId } from '@campus/contracts/ids'
import { onCommit, type Tx } from '@campus/platform/data/postgres'
import { emit } from '@campus/platform/events/outbox'
import type { Counter } from '@campus/platform/process/metrics'
import { linesOf, lockOrder, saveStep } from './order.store.ts'
import type { Order } from './order.ts'
import { toEvent } from './requests.ts'
import { type Happening, step, type Timing } from './saga.ts'

export interface SagaDeps {
  readonly timing: Timing
  /** `saga_ignored_total{state,event}`. */
  readonly ignored: Counter<'state' | 'event'>
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
  { timing, ignored }: SagaDeps,
  order: Order,
  happening: Happening,
  now: Date,
): Promise<Order> {
  const outcome = step(order.saga, happening, now, timing)
  if (outcome.kind === 'ignored') {
    ignored.inc({ state: order.saga.state, event: happening.kind })
    return order
  }
  const isConfirmed = outcome.publish.includes('order_confirmed')
  const next: Order = {
    ...order,
    saga: outcome.saga,
    version: order.version + 1,
    confirmedAt: isConfirmed ? now : order.confirmedAt,
    updatedAt: now,
  }
  await saveStep(tx, next)
  const lines = isConfirmed ? await linesOf(tx, order) : []
  await emit(tx, ...outcome.publish.map(request => toEvent(request, next, lines, now)))
  onCommit(tx, () => orderChanged.emit(next.id))
  return next
}
