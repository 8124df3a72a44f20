import type { Ref } from '@campus/contracts/events/orders'
import type { Booking } from './lifecycle.ts'

/** What is to be booked, and of which payment. */
export interface Booked {
  readonly booking: Booking
  readonly about: { readonly ref: Ref; readonly currency: string }
  readonly now: Date
}
