import type { MovementId, VariantId } from '@campus/contracts/ids'
import { isAnyOf } from '@campus/platform/data/is-any-of'
import type { Tx } from '@campus/platform/data/postgres'
import { and, asc, desc, eq, lt, sql } from 'drizzle-orm'
import { movement, price, product, stock, variant } from '../schema.ts'
import type { OrderedLine, Sellable } from './reservation.ts'
import type { BookedMovement, Stock } from './stock-book.ts'

/**
 * The stock of variants, locked until the transaction ends. The locks are taken in the order of ids, so
 * that two orders cannot wait for each other. Variants that never run out have none.
 */
export async function lockStock(
  tx: Tx,
  variantIds: readonly VariantId[],
): Promise<Map<VariantId, Stock>> {
  if (variantIds.length === 0) return new Map()
  const rows = await tx
    .select()
    .from(stock)
    .where(isAnyOf(stock.variantId, variantIds))
    .orderBy(asc(stock.variantId))
    .for('update')
  return new Map(rows.map(({ variantId, ...units }) => [variantId, units]))
}

/** Writes the units of locked variants; the CHECK of the table is the last guard. */
export async function saveStock(
  tx: Tx,
  units: ReadonlyMap<VariantId, Pick<Stock, 'onHand' | 'reserved'>>,
): Promise<void> {
  if (units.size === 0) return
  await tx.execute(sql`
    update stock s set on_hand = c.on_hand, reserved = c.reserved
    from unnest(
      ${sql.param([...units.keys()])}::uuid[],
      ${sql.param([...units.values()].map(({ onHand }) => onHand))}::int[],
      ${sql.param([...units.values()].map(({ reserved }) => reserved))}::int[]
    ) c(variant_id, on_hand, reserved)
    where s.variant_id = c.variant_id`)
}

/** Adds movements, which add up to the stock of their variants. */
export async function insertMovements(tx: Tx, movements: readonly BookedMovement[]): Promise<void> {
  if (movements.length === 0) return
  const column = <T>(of: (movement: BookedMovement) => T) => sql.param(movements.map(of))
  await tx.execute(sql`
    insert into movement (id, variant_id, delta, on_hand_after, reason, order_id, cause_id, actor, at)
    select * from unnest(
      ${column(m => m.id)}::uuid[], ${column(m => m.variantId)}::uuid[], ${column(m => m.delta)}::int[],
      ${column(m => m.onHandAfter)}::int[], ${column(m => m.reason)}::text[],
      ${column(m => m.orderId)}::uuid[], ${column(m => m.causeId)}::uuid[],
      ${column(m => m.actor)}::text[], ${column(m => m.at.toISOString())}::timestamptz[])`)
}

/** What may be sold of the ordered lines, by variant. */
export async function sellableOf(
  tx: Tx,
  lines: readonly OrderedLine[],
  pricesValidAt: Date,
): Promise<Map<VariantId, Sellable>> {
  const found = new Map<VariantId, Sellable>()
  if (lines.length === 0) return found
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
        isAnyOf(price.id, [...new Set(lines.map(({ priceId }) => priceId))]),
        sql`(${price.validTo} is null or ${price.validTo} > ${pricesValidAt.toISOString()})`,
      ),
    )
    .where(isAnyOf(variant.id, [...new Set(lines.map(({ variantId }) => variantId))]))
  for (const { variantId, state, tracked, priceId } of rows) {
    const known = found.get(variantId)
    const priceIds = new Set([...(known?.priceIds ?? []), ...(priceId === null ? [] : [priceId])])
    found.set(variantId, { isPublished: state === 'published', tracked, priceIds })
  }
  return found
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
