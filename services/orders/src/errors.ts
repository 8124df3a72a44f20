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
  line_delivered: { status: 409, message: 'A line was delivered: ask for a return.' },
  line_unknown: { status: 422, message: 'The order has no such line.' },
  line_repeated: { status: 422, message: 'A line is named twice.' },
  order_not_confirmed: { status: 409, message: 'The order is not paid, or was cancelled.' },
  units_not_left: { status: 409, message: 'So many units are not left of the line.' },
  currency_differs: { status: 422, message: 'The currency is not that of the order.' },
  refund_empty: { status: 422, message: 'A refund gives something back of each of its lines.' },
  refund_exceeds_line: { status: 409, message: 'So much is not left of what the line cost.' },
  refund_exceeds_captured: { status: 409, message: 'Refunds cannot exceed what was captured.' },
  saga_nothing_to_ask: { status: 409, message: 'The order waits for no answer of a service.' },
  already_cancelled: { status: 409, message: 'The order was cancelled, or is about to be.' },
  already_completed: { status: 409, message: 'The order is completed: ask for a return.' },
})
