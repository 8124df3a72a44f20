import { defineErrors } from '@campus/platform/errors'

/** Every refusal of the gateway. Codes are public API: add freely, never rename. */
export const refuse = defineErrors('gateway', {
  upstream_down: { status: 502, message: 'The service behind this path cannot be reached now.' },
  upstream_timeout: { status: 504, message: 'The service behind this path took too long.' },
})
