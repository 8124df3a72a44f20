import { asId, type ProductId } from '@campus/contracts/ids'
import type { Tx } from '@campus/platform/data/postgres'
import { sql } from 'drizzle-orm'

/** Units of a product that an order has bought. */
interface Sale {
  readonly productId: ProductId
  readonly quantity: number
  readonly at: Date
}

/**
 * Sales that nobody has counted yet; they count as counted now.
 *
 * @param max orders at most
 */
export async function claimSales(tx: Tx, max: number): Promise<Sale[]> {
  const { rows } = await tx.execute<{
    product_id: string
    quantity: number
    at: Date | string
  }>(sql`
    with claimed as (
      select id from reservation where state = 'committed' and not is_ranked
      order by updated_at limit ${max} for update skip locked
    ), counted as (
      update reservation set is_ranked = true from claimed where reservation.id = claimed.id
      returning reservation.id, reservation.updated_at
    )
    select v.product_id, l.quantity, counted.updated_at as at
    from counted join reservation_line l on l.reservation_id = counted.id
    join variant v on v.id = l.variant_id`)
  return rows.map(row => ({
    productId: asId<ProductId>(row.product_id),
    quantity: row.quantity,
    at: new Date(row.at),
  }))
}
