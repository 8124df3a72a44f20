import { defineErrors } from '@campus/platform/errors'

/** Every refusal of the payments service. Codes are public API: add freely, never rename. */
export const refuse = defineErrors('payments', {
  token_unknown: { status: 422, message: 'The payment provider does not know this token.' },
  method_unknown: { status: 422, message: 'You have no such payment method.' },
  too_many_methods: { status: 409, message: 'There are as many payment methods as there may be.' },
  intent_closed: { status: 409, message: 'The payment was cancelled, or its time is over.' },
  intent_in_progress: { status: 409, message: 'An attempt to pay is still in progress.' },
  already_paid: { status: 409, message: 'The payment has been authorised already.' },
  attempts_exhausted: { status: 409, message: 'The payment was declined for good.' },
  challenge_over: { status: 409, message: 'The challenge was answered already.' },
  refund_through_order: {
    status: 409,
    message: 'Money of an order is refunded through its order.',
  },
  not_captured: { status: 409, message: 'Nothing was captured that could be refunded.' },
  exceeds_captured: { status: 409, message: 'So much is not left of what was captured.' },
  signature_invalid: { status: 401, message: 'The webhook is not signed by the provider.' },
  signature_stale: { status: 401, message: 'The webhook was signed more than 300 s ago.' },
})
