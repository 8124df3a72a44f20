import { defineErrors } from '@campus/platform/errors'

/** Every refusal of the gateway. Codes are public API: add freely, never rename. */
export const refuse = defineErrors('gateway', {
  upstream_down: { status: 502, message: 'The service behind this path cannot be reached now.' },
  upstream_timeout: { status: 504, message: 'The service behind this path took too long.' },
  cookies_off: { status: 422, message: 'Sessions in cookies are not switched on here.' },
})

/** Refusals of a session that lives in cookies. */
export const refuseSession = defineErrors('auth', {
  csrf_failed: {
    status: 403,
    message: 'With cookies, a change needs X-CSRF-Token and must come from a page of this origin.',
  },
})
