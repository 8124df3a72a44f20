import type { Line } from '@campus/contracts/events/orders'
import type { OrderId } from '@campus/contracts/ids'
import type { Tx } from '@campus/platform/data/postgres'
import type { Order } from './checkout/order.ts'
import type { Happening } from './checkout/saga-state.ts'
import type { Entry } from './checkout/timeline.ts'

// What checkout lends to the other slices: they decide about an order while its row is locked.

/** Locks an order and tells its saga what has happened; undefined when the order is unknown. */
export type ChangeOrder = (
  tx: Tx,
  orderId: OrderId,
  decide: (order: Order) => Happening,
  now: Date,
) => Promise<Order | undefined>

/** The same in steps, for those who have something to write in between. */
export interface LockedOrders {
  /** Locks an order until the transaction ends. */
  readonly lock: (tx: Tx, orderId: OrderId) => Promise<Order | undefined>
  readonly linesOf: (tx: Tx, order: Order) => Promise<Line[]>
  /** Adds to the story of a locked order. */
  readonly note: (tx: Tx, order: Order, entry: Entry, now: Date) => Promise<Order>
  /** Tells the saga of a locked order what has happened. */
  readonly tell: (tx: Tx, order: Order, happening: Happening, now: Date) => Promise<Order>
}
