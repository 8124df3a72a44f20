import { AppError } from '@campus/platform/errors'
import { test } from 'tap'
import { commonPasswords } from './common-passwords.ts'
import { normalPassword, passwordLength, requireGoodPassword } from './password-rules.ts'

const known = ['ada.lovelace@example.org', 'Ada Lovelace']

const cases: readonly [string, string, string[]][] = [
  ['a long one of plain words is good', 'correct horse battery staple', []],
  ['8 characters are enough', 'qv7#kz2!', []],
  ['256 are not too many', 'xk3v'.repeat(64), []],
  ['characters count, not bytes', '\u{1f34a}'.repeat(8), []],
  ['7 characters are too few', 'qv7#kz2', ['request.invalid']],
  ['257 are too many', `${'xk3v'.repeat(64)}!`, ['request.invalid']],
  ['a common one is refused', 'password123', ['users.password_common']],
  ['so it is in capitals', 'PASSWORD123', ['users.password_common']],
  ['the name of the product and a year', 'campus2026', ['users.password_guessable']],
  ['the own name and a number', 'Lovelace1815', ['users.password_guessable']],
  ['the domain of the own address', 'example1', ['users.password_guessable']],
  ['the own name among other words is good', 'lovelace paints two horses', []],
  ['a short word of the address says nothing', 'adaptive-organ', []],
]

for (const [name, password, expected] of cases) {
  test(name, async t => {
    t.same(codesOf(password), expected)
  })
}

test('two ways to compose one password are one password', async t => {
  t.equal(normalPassword('u\u0308ber-sicher'), normalPassword('\u00fcber-sicher'))
})

test('every common password is one that could be chosen', async t => {
  t.ok(commonPasswords.size > 80)
  for (const password of commonPasswords) {
    t.ok(password.length >= passwordLength.min, password)
    t.equal(password, password.toLowerCase())
  }
})

function codesOf(password: string): string[] {
  try {
    requireGoodPassword(normalPassword(password), known)
    return []
  } catch (error) {
    if (!(error instanceof AppError)) throw error
    return error.reasons.map(({ code }) => code)
  }
}
