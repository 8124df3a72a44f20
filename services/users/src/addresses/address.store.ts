import type { AddressId, UserId } from '@campus/contracts/ids'
import type { Tx } from '@campus/platform/data/postgres'
import { and, desc, eq, isNull } from 'drizzle-orm'
import { address } from '../schema.ts'
import { type Address, addressesMax } from './address.ts'

/** The addresses of a person, the newest first. */
export async function addressesOf(tx: Tx, userId: UserId): Promise<Address[]> {
  return tx
    .select()
    .from(address)
    .where(and(eq(address.userId, userId), isNull(address.leftAt)))
    .orderBy(desc(address.id))
    .limit(addressesMax)
}

/** Any version of an address, also one that was changed or removed. */
export async function findAddress(
  tx: Tx,
  userId: UserId,
  id: AddressId,
): Promise<Address | undefined> {
  const [row] = await tx
    .select()
    .from(address)
    .where(and(eq(address.id, id), eq(address.userId, userId)))
  return row
}

export async function insertAddress(tx: Tx, row: Address): Promise<void> {
  await tx.insert(address).values(row)
}

/** Takes an address from the list of its owner. @returns it; undefined when it is not on the list */
export async function leaveAddress(
  tx: Tx,
  userId: UserId,
  id: AddressId,
  now: Date,
): Promise<Address | undefined> {
  const [row] = await tx
    .update(address)
    .set({ leftAt: now })
    .where(and(eq(address.id, id), eq(address.userId, userId), isNull(address.leftAt)))
    .returning()
  return row
}
