import type { Tx } from '@campus/platform/data/postgres'
import { insertMovements, markInStock, saveStock } from './stock.store.ts'
import type { StockBook } from './stock-book.ts'

/** Writes what was done about locked stock, and shows in lists what can be had now. */
export async function writeStock(tx: Tx, { changed, movements, turned }: StockBook): Promise<void> {
  await saveStock(tx, changed)
  await insertMovements(tx, movements)
  if (turned.size > 0) await markInStock(tx, [...turned])
}
