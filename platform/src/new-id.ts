import { asId, type Id } from '@campus/contracts/ids'
import { v7 } from 'uuid'

/** A fresh UUIDv7 of the kind that its place asks for. */
// The caller's context chooses the brand, so the parameter occurs once.
// oxlint-disable-next-line no-unnecessary-type-parameters
export function newId<T extends Id<string>>(): T {
  return asId(v7())
}
