import type { AnyId, MovementId, OrderId, PriceId, VariantId } from '@campus/contracts/ids'
import type { Tx } from '@campus/platform/data/postgres'
import { and, asc, desc, eq, inArray, lt, sql } from 'drizzle-orm'
import { movement, price, product, stock, variant } from '../schema.ts'
import type { AvailabilityChange } from './availability.ts'
import type { Movement, MovementReason } from './movement.ts'
import type { OrderedLine, Sellable } from './reservation.ts'

/**
 * Units that are neither sold nor held, of variants that stay locked until the transaction ends. The
 * locks are taken in the order of ids, so that two orders cannot wait for each other.
 */
export async function lockAvailable(
  tx: Tx,
  variantIds: readonly VariantId[],
): Promise<Map<VariantId, number>> {
  if (variantIds.length === 0) return new Map()
  const rows = await tx
    .select({ variantId: stock.variantId, onHand: stock.onHand, reserved: stock.reserved })
    .from(stock)
    .where(inArray(stock.variantId, [...variantIds]))
    .orderBy(asc(stock.variantId))
    .for('update')
  return new Map(rows.map(row => [row.variantId, row.onHand - row.reserved]))
}

/**
 * Holds (positive) or lets go of (negative) units; the CHECK of the table is the last guard.
 *
 * @returns what can be had of each variant now
 */
export async function changeReserved(
  tx: Tx,
  quantities: ReadonlyMap<VariantId, number>,
): Promise<AvailabilityChange[]> {
  if (quantities.size === 0) return []
  const { rows } = await tx.execute<{
    variant_id: VariantId
    available: number
    low_at: number | null
  }>(sql`
    update stock set reserved = reserved + c.quantity from ${deltaRows(quantities)}
    where stock.variant_id = c.variant_id
    returning stock.variant_id, stock.on_hand - stock.reserved as available, stock.low_at`)
  return rows.map(row => ({
    variantId: row.variant_id,
    before: row.available + (quantities.get(row.variant_id) ?? 0),
    after: row.available,
    lowAt: row.low_at,
  }))
}

/**
 * Moves units in or out, and lets go of as many reserved ones when `isReserved`.
 *
 * @returns the movements, with the stock after each, and what can be had now
 */
export async function move(
  tx: Tx,
  change: {
    readonly deltas: ReadonlyMap<VariantId, number>
    readonly isReserved: boolean
    readonly reason: MovementReason
    readonly orderId: OrderId | null
    /** What asked for it, when an order may give one variant back several times. */
    readonly causeId: AnyId | null
    readonly actor: string
    readonly now: Date
    readonly newId: () => MovementId
  },
): Promise<{ movements: Movement[]; changes: AvailabilityChange[] }> {
  const { deltas, reason, orderId, causeId, actor, now } = change
  if (deltas.size === 0) return { movements: [], changes: [] }
  const released = change.isReserved ? sql`c.quantity` : sql`0`
  const { rows } = await tx.execute<{
    variant_id: VariantId
    on_hand: number
    available: number
    low_at: number | null
  }>(sql`
    update stock set on_hand = on_hand + c.quantity, reserved = reserved + ${released}
    from ${deltaRows(deltas)} where stock.variant_id = c.variant_id
    returning stock.variant_id, stock.on_hand, stock.on_hand - stock.reserved as available,
      stock.low_at`)
  const movements = rows.map(row => ({
    id: change.newId(),
    variantId: row.variant_id,
    delta: deltas.get(row.variant_id) ?? 0,
    onHandAfter: row.on_hand,
    reason,
  }))
  await tx
    .insert(movement)
    .values(movements.map(one => ({ ...one, orderId, causeId, actor, at: now })))
  const changes = rows.map(row => ({
    variantId: row.variant_id,
    before: row.available - (change.isReserved ? 0 : (deltas.get(row.variant_id) ?? 0)),
    after: row.available,
    lowAt: row.low_at,
  }))
  return { movements, changes }
}

/** What may be sold of the ordered lines, by variant. */
export async function sellableOf(
  tx: Tx,
  lines: readonly OrderedLine[],
  pricesValidAt: Date,
): Promise<Map<VariantId, Sellable>> {
  const rows = await tx
    .select({
      variantId: variant.id,
      state: product.state,
      tracked: variant.tracked,
      priceId: price.id,
    })
    .from(variant)
    .innerJoin(product, eq(product.id, variant.productId))
    .leftJoin(
      price,
      and(
        eq(price.variantId, variant.id),
        inArray(
          price.id,
          lines.map(line => line.priceId),
        ),
        sql`(${price.validTo} is null or ${price.validTo} > ${pricesValidAt.toISOString()})`,
      ),
    )
    .where(
      inArray(
        variant.id,
        lines.map(line => line.variantId),
      ),
    )
  const prices = new Map<VariantId, Set<PriceId>>()
  for (const { variantId, priceId } of rows) {
    const known = prices.get(variantId) ?? new Set()
    if (priceId !== null) known.add(priceId)
    prices.set(variantId, known)
  }
  const ordered = new Map(lines.map(line => [line.variantId, line.priceId]))
  return new Map(
    rows.map(({ variantId, state, tracked }) => {
      const priceId = ordered.get(variantId)
      const hasPrice = priceId !== undefined && prices.get(variantId)?.has(priceId) === true
      return [variantId, { isPublished: state === 'published', tracked, hasPrice }]
    }),
  )
}

/** Stock of one variant; undefined when it is unknown or not tracked. */
export async function findStock(
  tx: Tx,
  variantId: VariantId,
): Promise<{ onHand: number; reserved: number } | undefined> {
  const [row] = await tx
    .select({ onHand: stock.onHand, reserved: stock.reserved })
    .from(stock)
    .where(eq(stock.variantId, variantId))
  return row
}

/** Begins to count a variant, from zero. */
export async function openStock(tx: Tx, variantId: VariantId): Promise<void> {
  await tx.insert(stock).values({ variantId, onHand: 0, reserved: 0 }).onConflictDoNothing()
}

/** From how many available units on a variant is low on stock; null for never. */
export async function setLowAt(tx: Tx, variantId: VariantId, units: number | null): Promise<void> {
  await tx.update(stock).set({ lowAt: units }).where(eq(stock.variantId, variantId))
}

/** Writes down whether the products of variants can be had; after it they are locked. */
export async function markInStock(tx: Tx, variantIds: readonly VariantId[]): Promise<void> {
  const ids = sql.param([...variantIds])
  const products = sql`(select product_id from variant where id = any(${ids}::uuid[]))`
  // Whoever sells the last unit of another variant meanwhile waits here, and then sees what is left.
  await tx.execute(sql`select from product where id in ${products} order by id for update`)
  await tx.execute(sql`update listing set in_stock = exists (
      select from variant v left join stock s on s.variant_id = v.id
      where v.product_id = listing.product_id and (not v.tracked or s.on_hand > s.reserved))
    where product_id in ${products}`)
}

/** Movements of a variant, the newest first, from behind `after` on. */
export async function movementsOf(
  tx: Tx,
  variantId: VariantId,
  after: MovementId | undefined,
  max: number,
) {
  return tx
    .select()
    .from(movement)
    .where(
      and(
        eq(movement.variantId, variantId),
        after === undefined ? undefined : lt(movement.id, after),
      ),
    )
    .orderBy(desc(movement.id))
    .limit(max)
}

function deltaRows(quantities: ReadonlyMap<VariantId, number>) {
  const sorted = [...quantities].toSorted(([a], [b]) => (a < b ? -1 : 1))
  return sql`unnest(
    ${sql.param(sorted.map(([variantId]) => variantId))}::uuid[],
    ${sql.param(sorted.map(([, quantity]) => quantity))}::int[]) c(variant_id, quantity)`
}
