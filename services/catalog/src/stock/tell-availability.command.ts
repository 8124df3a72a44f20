import type { Tx } from '@campus/platform/data/postgres'
import { emit } from '@campus/platform/events/outbox'
import { type AvailabilityChange, isTurn, newsOf } from './availability.ts'
import { markInStock } from './stock.store.ts'

/** Tells that variants are low, gone or there again, and shows it in lists. */
export async function tellAvailability(
  tx: Tx,
  changes: readonly AvailabilityChange[],
): Promise<void> {
  const turned = changes.filter(isTurn).map(({ variantId }) => variantId)
  if (turned.length > 0) await markInStock(tx, turned)
  const news = changes.flatMap(newsOf)
  if (news.length > 0) emit(tx, ...news)
}
