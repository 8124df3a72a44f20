import type { IntentId, OrderId } from '@campus/contracts/ids'

/** A thing whose owner is told of it although its events do not name the owner. */
export type Subject =
  | { readonly type: 'order'; readonly id: OrderId }
  | { readonly type: 'intent'; readonly id: IntentId }

/** One name for a subject among those of all types. */
export function nameOf({ type, id }: Subject): string {
  return `${type} ${id}`
}
