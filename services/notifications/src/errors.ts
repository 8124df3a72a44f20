import { defineErrors } from '@campus/platform/errors'

/** Every refusal of the notifications service. Codes are public API: add freely, never rename. */
export const refuse = defineErrors('notifications', {
  category_mandatory: { status: 422, message: 'News of your security cannot be switched off.' },
  too_many_streams: { status: 429, message: 'You have too many streams open: close one.' },
})
