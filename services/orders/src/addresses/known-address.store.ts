import type { AddressId, UserId } from '@campus/contracts/ids'
import type { Tx } from '@campus/platform/data/postgres'
import { and, eq, not } from 'drizzle-orm'
import { knownAddress } from '../schema.ts'

/** Whether somebody may have something sent to this address. */
export async function isOwnAddress(tx: Tx, userId: UserId, addressId: AddressId): Promise<boolean> {
  const rows = await tx
    .select({ addressId: knownAddress.addressId })
    .from(knownAddress)
    .where(
      and(
        eq(knownAddress.addressId, addressId),
        eq(knownAddress.userId, userId),
        not(knownAddress.isRemoved),
      ),
    )
  return rows.length > 0
}

/** A version of an address never changes, and one that was removed does not come back. */
export async function saveAddress(tx: Tx, userId: UserId, addressId: AddressId): Promise<void> {
  await tx
    .insert(knownAddress)
    .values({ addressId, userId, isRemoved: false })
    .onConflictDoNothing()
}

/** @see saveAddress */
export async function removeAddress(tx: Tx, userId: UserId, addressId: AddressId): Promise<void> {
  await tx
    .insert(knownAddress)
    .values({ addressId, userId, isRemoved: true })
    .onConflictDoUpdate({ target: knownAddress.addressId, set: { isRemoved: true } })
}
