import { defineErrors } from '@campus/platform/errors'

/** Every refusal of the users service. Codes are public API: add freely, never rename. */
export const refuse = defineErrors('users', {
  credentials_wrong: { status: 401, message: 'The e-mail address or the password is wrong.' },
  refresh_invalid: { status: 401, message: 'The refresh token is not valid: log in again.' },
  password_wrong: { status: 403, message: 'The present password is wrong.' },
  account_suspended: { status: 403, message: 'The account is suspended.' },
  first_admin_secret_wrong: { status: 403, message: 'The secret is wrong.' },
  email_taken: { status: 409, message: 'There is an account with this e-mail address.' },
  email_token_invalid: {
    status: 422,
    message: 'The token is unknown or has expired: ask for another mail.',
  },
  password_token_invalid: {
    status: 422,
    message: 'The token is unknown, used or has expired: ask for another mail.',
  },
  last_admin: { status: 409, message: 'There must be an active admin: make another one first.' },
  account_unverified: {
    status: 409,
    message: 'An account holds no role before its e-mail address is confirmed.',
  },
  too_many_addresses: { status: 409, message: 'There are as many addresses as there may be.' },
  account_leaving: { status: 409, message: 'The account is being erased: it cannot be changed.' },
  password_common: { status: 422, message: 'The password is one of those that are tried first.' },
  password_guessable: {
    status: 422,
    message: 'The password is little more than a name that others know.',
  },
})
