import { addressRemoved, addressSaved } from '@campus/contracts/events/users'
import type { AddressId, UserId } from '@campus/contracts/ids'
import type { Clock } from '@campus/platform/clock'
import type { Postgres, Tx } from '@campus/platform/data/postgres'
import { chassis, fail, refuseAll } from '@campus/platform/errors'
import { emit } from '@campus/platform/events/outbox'
import { newId } from '@campus/platform/new-id'
import { refuse } from '../errors.ts'
import { addressesOf, insertAddress, leaveAddress } from './address.store.ts'
import { type Address, type AddressLines, addressesMax, readLines } from './address.ts'

export interface AddressDeps {
  readonly postgres: Postgres
  readonly clock: Clock
  /** Locks an account, so that its addresses are counted one after the other. */
  readonly lockAccount: (tx: Tx, userId: UserId) => Promise<unknown>
}

/**
 * Adds an address.
 *
 * @throws AppError `request.invalid`, `users.too_many_addresses`
 */
export async function addAddress(
  { postgres, clock, lockAccount }: AddressDeps,
  userId: UserId,
  lines: AddressLines,
): Promise<Address> {
  const read = readLines(lines)
  return postgres.transaction(async tx => {
    await lockAccount(tx, userId)
    const known = await addressesOf(tx, userId)
    refuseAll(known.length < addressesMax ? [] : [refuse.too_many_addresses({ max: addressesMax })])
    return save(tx, userId, read, clock.now())
  })
}

/**
 * Puts a new version in the place of an address, which stays what it was for the orders that name it.
 *
 * @throws AppError `request.invalid`; `request.not_found` also for a version that is not the last
 */
export async function changeAddress(
  { postgres, clock }: AddressDeps,
  userId: UserId,
  id: AddressId,
  change: Partial<AddressLines>,
): Promise<Address> {
  const read = readLines(change)
  return postgres.transaction(async tx => {
    const now = clock.now()
    const before = (await leaveAddress(tx, userId, id, now)) ?? fail(chassis.notFound())
    emit(tx, addressRemoved.of({ userId, addressId: id }))
    return save(tx, userId, { ...before, ...read }, now)
  })
}

/** Takes an address from the list. @throws AppError `request.not_found` */
export async function removeAddress(
  { postgres, clock }: AddressDeps,
  userId: UserId,
  id: AddressId,
): Promise<void> {
  await postgres.transaction(async tx => {
    if ((await leaveAddress(tx, userId, id, clock.now())) === undefined) fail(chassis.notFound())
    emit(tx, addressRemoved.of({ userId, addressId: id }))
  })
}

async function save(tx: Tx, userId: UserId, lines: AddressLines, now: Date): Promise<Address> {
  const { name, line1, line2, postalCode, city, region, country } = lines
  const parcel = { name, line1, line2, postalCode, city, region, country }
  const made = { ...parcel, id: newId<AddressId>(), userId, createdAt: now, leftAt: null }
  await insertAddress(tx, made)
  // No other service needs to know more than where taxes are due and parcels go.
  emit(tx, addressSaved.of({ userId, addressId: made.id, zone: country }))
  return made
}
