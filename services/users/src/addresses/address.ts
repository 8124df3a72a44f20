import type { AddressId, UserId } from '@campus/contracts/ids'
import { invalid } from '@campus/platform/errors'

/** A person has so many addresses at most. */
export const addressesMax = 20

/** What is written on a parcel. Empty texts are lines that this address does not have. */
export interface AddressLines {
  /** Who lives there. */
  readonly name: string
  readonly line1: string
  readonly line2: string
  readonly postalCode: string
  readonly city: string
  readonly region: string
  /** ISO 3166-1 alpha-2. */
  readonly country: string
}

/** One version of an address; it never changes. */
export interface Address extends AddressLines {
  readonly id: AddressId
  readonly userId: UserId
  readonly createdAt: Date
  /** When it was changed or removed; null while it is on the list of its owner. */
  readonly leftAt: Date | null
}

const required = ['name', 'line1', 'city'] as const

/**
 * Lines without the space around them.
 *
 * @throws AppError `request.invalid` for a required line of nothing but space
 */
export function readLines<Lines extends Partial<AddressLines>>(lines: Lines): Lines {
  const read = Object.fromEntries(
    Object.entries(lines).map(([name, line]) => [name, line.normalize('NFC').trim()]),
  )
  const empty = required.filter(name => read[name] === '')
  if (empty.length > 0) {
    throw invalid(empty.map(name => ({ pointer: `#/${name}`, code: 'minLength' })))
  }
  return { ...lines, ...read }
}
