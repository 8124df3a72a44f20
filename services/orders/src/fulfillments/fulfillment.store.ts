import type { FulfillmentId } from '@campus/contracts/ids'
import type { Tx } from '@campus/platform/data/postgres'
import { eq } from 'drizzle-orm'
import { fulfillment } from '../schema.ts'
import type { Fulfillment } from './fulfillment.ts'

export async function insertFulfillment(tx: Tx, made: Fulfillment): Promise<void> {
  await tx.insert(fulfillment).values({ ...made, lines: [...made.lines] })
}

/** A parcel without a lock; the order's lock is the one that counts. */
export async function findFulfillment(tx: Tx, id: FulfillmentId): Promise<Fulfillment | undefined> {
  const [row] = await tx.select().from(fulfillment).where(eq(fulfillment.id, id))
  return row
}

export async function saveDelivered(tx: Tx, id: FulfillmentId, now: Date): Promise<void> {
  await tx.update(fulfillment).set({ deliveredAt: now }).where(eq(fulfillment.id, id))
}
