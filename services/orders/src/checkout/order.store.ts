import type { Line } from '@campus/contracts/events/orders'
import type { OrderId, UserId } from '@campus/contracts/ids'
import { isAnyOf } from '@campus/platform/data/is-any-of'
import type { Tx } from '@campus/platform/data/postgres'
import { updateRows } from '@campus/platform/data/rows'
import { and, asc, eq, inArray, isNotNull, lte, sql } from 'drizzle-orm'
import { type LineRow, orderLine, orders } from '../schema.ts'
import type { Order } from './order.ts'
import { askedMinor, type LineProgress } from './progress.ts'
import type { Saga } from './saga-state.ts'

/** Adds an order with its lines. A second order of one cart violates `orders_cart_id_key`. */
export async function insertOrder(tx: Tx, order: Order, lines: readonly Line[]): Promise<void> {
  const { totals } = order
  await tx.insert(orders).values({
    id: order.id,
    cartId: order.cartId,
    userId: order.userId,
    addressId: order.addressId,
    paymentMethodId: order.paymentMethodId,
    coupon: order.coupon,
    ...sagaColumns(order.saga),
    progress: order.saga.lines.map(toLineRow),
    refunds: [],
    happenings: [],
    currency: totals.total.currency,
    goods: totals.goods.amount,
    discount: totals.discount.amount,
    tax: totals.tax.amount,
    shipping: totals.shipping.amount,
    total: totals.total.amount,
    version: order.version,
    placedAt: order.placedAt,
    confirmedAt: order.confirmedAt,
    updatedAt: order.updatedAt,
    correlationId: order.correlationId,
  })
  await tx.insert(orderLine).values(
    lines.map(line => ({
      orderId: order.id,
      lineNo: line.lineNo,
      variantId: line.variantId,
      priceId: line.priceId,
      kind: line.kind,
      courseId: line.courseId ?? null,
      sellerId: line.sellerId ?? null,
      title: line.title ?? '',
      quantity: line.quantity,
      unitPrice: line.unitPrice.amount,
      discount: line.discount.amount,
      tax: line.tax.amount,
      total: line.total.amount,
    })),
  )
}

/** Locks an order, so that a timer, an event and a buyer cannot decide about it at once. */
export async function lockOrder(tx: Tx, id: OrderId): Promise<Order | undefined> {
  const [row] = await tx.select().from(orders).where(eq(orders.id, id)).for('update')
  return row && toOrder(row)
}

/** The same for a buyer: an order of somebody else is as unknown as none. */
export async function lockOwnOrder(
  tx: Tx,
  key: { readonly orderId: OrderId; readonly userId: UserId },
): Promise<Order | undefined> {
  const [row] = await tx
    .select()
    .from(orders)
    .where(and(eq(orders.id, key.orderId), eq(orders.userId, key.userId)))
    .for('update')
  return row && toOrder(row)
}

/** An order without a lock. */
export async function findOrder(tx: Tx, id: OrderId): Promise<Order | undefined> {
  const [row] = await tx.select().from(orders).where(eq(orders.id, id))
  return row && toOrder(row)
}

/** Orders that stay locked until the transaction ends, locked in the order of ids. */
export async function lockOrders(tx: Tx, ids: readonly OrderId[]): Promise<Map<OrderId, Order>> {
  const rows = await tx
    .select()
    .from(orders)
    .where(isAnyOf(orders.id, ids))
    .orderBy(asc(orders.id))
    .for('update')
  return new Map(rows.map(row => [row.id, toOrder(row)]))
}

/** The lines of an order as they were placed. */
export async function linesOf(tx: Tx, order: Order): Promise<Line[]> {
  return (await linesOfOrders(tx, [order])).get(order.id) ?? []
}

/** The lines of several orders. */
export async function linesOfOrders(tx: Tx, of: readonly Order[]): Promise<Map<OrderId, Line[]>> {
  const lines = new Map(of.map(({ id }): [OrderId, Line[]] => [id, []]))
  if (of.length === 0) return lines
  const currencies = new Map(of.map(({ id, totals }) => [id, totals.total.currency]))
  const rows = await tx
    .select()
    .from(orderLine)
    .where(isAnyOf(orderLine.orderId, [...lines.keys()]))
    .orderBy(asc(orderLine.orderId), asc(orderLine.lineNo))
  for (const row of rows) {
    const currency = currencies.get(row.orderId) ?? ''
    const money = (amount: number) => ({ amount, currency })
    lines.get(row.orderId)?.push({
      lineNo: row.lineNo,
      variantId: row.variantId,
      priceId: row.priceId,
      kind: row.kind,
      ...(row.courseId !== null && { courseId: row.courseId }),
      ...(row.sellerId !== null && { sellerId: row.sellerId }),
      title: row.title,
      quantity: row.quantity,
      unitPrice: money(row.unitPrice),
      discount: money(row.discount),
      tax: money(row.tax),
      total: money(row.total),
    })
  }
  return lines
}

/** Writes what sagas have decided, in one statement. The caller holds the locks. */
export async function saveSteps(tx: Tx, changed: readonly Order[]): Promise<void> {
  await updateRows(
    tx,
    orders,
    changed.map(({ id, saga, happenings, version, confirmedAt, updatedAt }) => ({
      id,
      ...sagaColumns(saga),
      progress: saga.lines.map(toLineRow),
      refunds: saga.refunds.map(refund => ({ ...refund, askedAt: refund.askedAt.toISOString() })),
      happenings: happenings.map(noted => ({ ...noted, at: noted.at.toISOString() })),
      version,
      confirmedAt,
      updatedAt,
    })),
  )
}

/** Writes that something beside the saga has changed. The caller holds the lock. */
export async function saveVersion(tx: Tx, { id, version, updatedAt }: Order): Promise<void> {
  await tx.update(orders).set({ version, updatedAt }).where(eq(orders.id, id))
}

/** Orders whose timer is due, the longest overdue first. Not locked: each is decided by itself. */
export async function dueOrders(tx: Tx, now: Date, max: number): Promise<OrderId[]> {
  const rows = await tx
    .select({ id: orders.id })
    .from(orders)
    .where(lte(orders.timerAt, now))
    .orderBy(asc(orders.timerAt))
    .limit(max)
  return rows.map(({ id }) => id)
}

/** Versions of these orders. */
export async function versionsOf(
  tx: Tx,
  ids: readonly OrderId[],
): Promise<{ readonly id: OrderId; readonly version: number }[]> {
  return tx
    .select({ id: orders.id, version: orders.version })
    .from(orders)
    .where(inArray(orders.id, [...ids]))
}

/** How many orders wait in each state. */
export async function countByState(tx: Tx): Promise<{ state: string; count: number }[]> {
  return tx
    .select({ state: orders.state, count: sql<number>`count(*)` })
    .from(orders)
    .where(sql`${orders.state} not in ('completed', 'cancelled')`)
    .groupBy(orders.state)
}

/** How many orders somebody should look at. */
export async function countStuck(tx: Tx): Promise<number> {
  return tx.$count(orders, isNotNull(orders.stuckAt))
}

function sagaColumns(saga: Saga) {
  return {
    state: saga.state,
    reason: saga.reason,
    cancelledBy: saga.cancelledBy,
    note: saga.note,
    stockDone: saga.stockDone,
    moneyDone: saga.moneyDone,
    captured: saga.capturedMinor,
    refunded: saga.refundedMinor,
    refundAsked: askedMinor(saga),
    lostDispute: saga.lostDispute,
    intentId: saga.intentId,
    declineCode: saga.declineCode,
    attemptsLeft: saga.attemptsLeft,
    timerAt: saga.timerAt,
    askedAt: saga.askedAt,
    stuckAt: saga.stuckAt,
  }
}

function toLineRow({ deliveredAt, ...line }: LineProgress): LineRow {
  return { ...line, deliveredAt: deliveredAt?.toISOString() ?? null }
}

/** An order as its row tells it. */
export function toOrder(row: typeof orders.$inferSelect): Order {
  const money = (amount: number) => ({ amount, currency: row.currency })
  return {
    id: row.id,
    cartId: row.cartId,
    userId: row.userId,
    addressId: row.addressId,
    paymentMethodId: row.paymentMethodId,
    coupon: row.coupon,
    totals: {
      goods: money(row.goods),
      discount: money(row.discount),
      tax: money(row.tax),
      shipping: money(row.shipping),
      total: money(row.total),
    },
    placedAt: row.placedAt,
    confirmedAt: row.confirmedAt,
    updatedAt: row.updatedAt,
    version: row.version,
    correlationId: row.correlationId,
    saga: {
      state: row.state,
      stockDone: row.stockDone,
      moneyDone: row.moneyDone,
      totalMinor: row.total,
      capturedMinor: row.captured,
      refundedMinor: row.refunded,
      lines: row.progress.map(({ deliveredAt, ...line }) => {
        return { ...line, deliveredAt: deliveredAt ? new Date(deliveredAt) : null }
      }),
      lostDispute: row.lostDispute,
      refunds: row.refunds.map(refund => ({ ...refund, askedAt: new Date(refund.askedAt) })),
      intentId: row.intentId,
      declineCode: row.declineCode,
      attemptsLeft: row.attemptsLeft,
      reason: row.reason,
      cancelledBy: row.cancelledBy,
      timerAt: row.timerAt,
      askedAt: row.askedAt,
      note: row.note,
      stuckAt: row.stuckAt,
    },
    happenings: row.happenings.map(noted => ({ ...noted, at: new Date(noted.at) })),
  }
}
