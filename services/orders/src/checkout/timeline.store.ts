import type { OrderId } from '@campus/contracts/ids'
import type { Tx } from '@campus/platform/data/postgres'
import { and, asc, eq, gt } from 'drizzle-orm'
import { timelineEntry } from '../schema.ts'
import type { Entry } from './timeline.ts'

/** Adds to the story of an order. The caller holds its lock, so ids grow with time. */
export async function addEntries(
  tx: Tx,
  orderId: OrderId,
  entries: readonly Entry[],
  at: Date,
): Promise<void> {
  if (entries.length === 0) return
  await tx.insert(timelineEntry).values(entries.map(entry => ({ ...entry, orderId, at })))
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
