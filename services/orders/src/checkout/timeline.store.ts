import type { OrderId } from '@campus/contracts/ids'
import type { Tx } from '@campus/platform/data/postgres'
import { and, asc, eq, gt, sql } from 'drizzle-orm'
import { timelineEntry } from '../schema.ts'
import type { Entry } from './timeline.ts'

/** Adds to the stories of orders. The caller holds their locks, so ids grow with time. */
export async function addEntries(
  tx: Tx,
  entries: readonly (Entry & { readonly orderId: OrderId; readonly at: Date })[],
): Promise<void> {
  if (entries.length === 0) return
  const column = (values: readonly string[]) => sql.param(values)
  await tx.execute(sql`
    insert into timeline_entry (order_id, code, at, data)
    select order_id, code, at, data from unnest(
      ${column(entries.map(({ orderId }) => orderId))}::uuid[],
      ${column(entries.map(({ code }) => code))}::text[],
      ${column(entries.map(({ at }) => at.toISOString()))}::timestamptz[],
      ${column(entries.map(({ data }) => JSON.stringify(data)))}::jsonb[]
    ) with ordinality e(order_id, code, at, data, position) order by position`)
}

/** The story of an order from behind `after` on, the oldest entry first. */
export async function entriesAfter(
  tx: Tx,
  orderId: OrderId,
  after: number | undefined,
  max: number,
): Promise<(typeof timelineEntry.$inferSelect)[]> {
  return tx
    .select()
    .from(timelineEntry)
    .where(
      and(
        eq(timelineEntry.orderId, orderId),
        after === undefined ? undefined : gt(timelineEntry.id, after),
      ),
    )
    .orderBy(asc(timelineEntry.id))
    .limit(max)
}
