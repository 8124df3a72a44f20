import { Locale } from '@campus/contracts/fields'
import { invalid } from '@campus/platform/errors'
import { Type } from 'typebox'
import { normalEmail } from './email.ts'
import { passwordLength } from './password-rules.ts'

// What people tell about themselves, as request bodies have it.

export const EmailField = Type.String({
  minLength: 3,
  maxLength: 320,
  description: 'Case and the space around it do not matter',
})

export const NewPasswordField = Type.String({
  minLength: passwordLength.min,
  maxLength: passwordLength.max,
  description: 'Any characters; common ones and those made of your name are refused',
})

/** A password that is compared with a stored one: rules of today do not apply to it. */
export const PasswordField = Type.String({ minLength: 1, maxLength: 1_024 })

export const NameField = Type.String({
  minLength: 1,
  maxLength: 100,
  pattern: '^[^\\p{Cc}]+$',
  description: 'One line',
})

export const LocaleField = Locale

/** @throws AppError `request.invalid` */
export function readEmail(text: string): string {
  const email = normalEmail(text)
  if (email === undefined) throw invalid([{ pointer: '#/email', code: 'email' }])
  return email
}

/** @throws AppError `request.invalid` for a name of nothing but space */
export function readName(text: string): string {
  const name = text.normalize('NFC').trim()
  if (name === '') throw invalid([{ pointer: '#/name', code: 'minLength' }])
  return name
}
