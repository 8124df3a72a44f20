import { Zone } from '@campus/contracts/fields'
import { AddressId } from '@campus/contracts/ids'
import { type Static, Type } from 'typebox'
import type { Address } from './address.ts'

const line = (minLength: 0 | 1, maxLength: number) =>
  Type.String({ minLength, maxLength, pattern: '^[^\\p{Cc}]*$', description: 'One line' })

const required = { name: line(1, 100), line1: line(1, 100), city: line(1, 100), country: Zone }
const others = { line2: line(0, 100), postalCode: line(0, 20), region: line(0, 100) }

/** An address as it is sent; a line that is left out is empty. */
export const NewAddress = Type.Object({
  ...required,
  ...Type.Partial(Type.Object(others)).properties,
})
export const AddressChange = Type.Partial(Type.Object({ ...required, ...others }), {
  minProperties: 1,
})

export const AddressView = Type.Object({
  id: AddressId,
  ...required,
  ...others,
  createdAt: Type.String({ format: 'date-time' }),
})

export function viewOf(address: Address): Static<typeof AddressView> {
  const { id, name, line1, line2, postalCode, city, region, country, createdAt } = address
  return {
    id,
    name,
    line1,
    line2,
    postalCode,
    city,
    region,
    country,
    createdAt: createdAt.toISOString(),
  }
}
