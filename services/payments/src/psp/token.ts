import { Type } from 'typebox'

/** Names a card at the provider. */
export const TokenField = Type.String({
  pattern: '^tok_[a-z0-9_]{1,60}$',
  description: 'Names a card at the provider. Never a card number.',
})
