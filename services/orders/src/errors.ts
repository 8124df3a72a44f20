import { defineErrors } from '@campus/platform/errors'

/** Every refusal of the orders service. Codes are public API: add freely, never rename. */
export const refuse = defineErrors('orders', {
  cart_empty: { status: 409, message: 'The cart has no lines.' },
  cart_not_open: { status: 409, message: 'The cart was checked out, merged or abandoned.' },
  cart_full: { status: 409, message: 'A cart holds at most 100 different variants.' },
  cart_not_claimable: { status: 409, message: 'The cart already belongs to an account.' },
  variant_unknown: { status: 422, message: 'There is no such variant.' },
  variant_unavailable: { status: 409, message: 'The variant is not for sale now.' },
  currency_mixed: { status: 409, message: 'All lines of a cart must have one currency.' },
  total_changed: {
    status: 409,
    message: 'The total is not the expected one: prices have changed.',
  },
  quantity_invalid: { status: 422, message: 'The quantity must be between 0 and 1000.' },
  line_shipped: { status: 409, message: 'A line has left the warehouse: ask for a return.' },
  already_completed: { status: 409, message: 'The order is completed: ask for a return.' },
})
