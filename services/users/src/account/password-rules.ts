import { invalid, refuseAll } from '@campus/platform/errors'
import { refuse } from '../errors.ts'
import { commonPasswords } from './common-passwords.ts'

/** Characters, not bytes; nothing is ever cut off. */
export const passwordLength = { min: 8, max: 256 } as const

/** A password needs so many characters beside what others know of its owner. */
const ownCharactersMin = 5
/** Shorter words occur in good passwords by chance. */
const contextWordMin = 4

/**
 * The one spelling of a password: two keyboards may compose one letter in two ways.
 *
 * @see https://pages.nist.gov/800-63-4/sp800-63b.html#passwordver
 */
export function normalPassword(text: string): string {
  return text.normalize('NFC')
}

/**
 * Accepts a new password, normalised. Length decides; there are no rules of composition.
 *
 * @param known what others know of its owner: address and name
 * @throws AppError `request.invalid` for its length, `users.password_common`,
 *   `users.password_guessable`
 */
export function requireGoodPassword(password: string, known: readonly string[]): void {
  const { min, max } = passwordLength
  const count = Array.from(password).length
  if (count < min || count > max) throw invalid([{ pointer: '#/password', code: 'length' }])
  const lower = password.toLowerCase()
  refuseAll([
    ...(commonPasswords.has(lower) ? [refuse.password_common()] : []),
    ...(isGuessable(lower, known) ? [refuse.password_guessable()] : []),
  ])
}

function isGuessable(lower: string, known: readonly string[]): boolean {
  const words = ['campus', ...known.flatMap(text => text.toLowerCase().split(/[^\p{L}\p{N}]+/u))]
  const rest = words
    .filter(word => word.length >= contextWordMin)
    .toSorted((a, b) => b.length - a.length)
    .reduce((left, word) => left.replaceAll(word, ''), lower)
  return rest !== lower && Array.from(rest).length < ownCharactersMin
}
