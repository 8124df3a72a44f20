import { isUtf8 } from 'node:buffer'
import { type AppError, invalid } from '../errors.ts'

// JSON.parse is lenient where a service must not be: of duplicate keys the last one wins, integers
// beyond 2^53 change their value, NUL and lone surrogates pass and fail in Postgres, __proto__ is a
// key. So the text is parsed natively and then scanned once. The scan may trust the syntax, which
// keeps it short and fast: strings without a backslash are skipped with indexOf.

const depthMax = 32

/** Codes of `errors[0].code` in the answer to a body that is no strict JSON. */
export type JsonFault =
  | 'json_encoding'
  | 'json_syntax'
  | 'json_depth'
  | 'json_duplicate_key'
  | 'json_key_forbidden'
  | 'json_number_unsafe'
  | 'json_text_invalid'

/**
 * Parses the bytes of a body strictly.
 *
 * @throws AppError `request.invalid` for bytes that are not UTF-8, wrong syntax, duplicate keys,
 *   `__proto__`, integers that a double cannot hold, NUL, lone surrogates, more than 32 levels
 */
export function parseJson(body: Buffer): unknown {
  if (!isUtf8(body)) throw refusal('json_encoding')
  return parseJsonText(body.toString('utf8'))
}

/** Same as `parseJson` for text that is known to come from UTF-8. */
export function parseJsonText(text: string): unknown {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    // The message of JSON.parse quotes the body.
    throw refusal('json_syntax')
  }
  const fault = findFault(text)
  if (fault !== undefined) throw refusal(fault)
  return value
}

function refusal(code: JsonFault): AppError {
  return invalid([{ pointer: '#', code }])
}

const quote = 0x22
const comma = 0x2c
const minus = 0x2d
const zero = 0x30
const nine = 0x39
const openBracket = 0x5b
const closeBracket = 0x5d
const openBrace = 0x7b
const closeBrace = 0x7d

/** Looks for what JSON.parse lets through, in text that is known to be valid JSON. */
function findFault(text: string): JsonFault | undefined {
  // One entry per open container: its keys so far, or undefined for an array.
  const open: (Set<string> | undefined)[] = []
  let isKeyNext = false
  let at = 0
  while (at < text.length) {
    const character = text.charCodeAt(at)
    if (character === quote) {
      const end = endOfString(text, at)
      const fault = stringFault(text, at, end, isKeyNext ? open.at(-1) : undefined)
      if (fault !== undefined) return fault
      isKeyNext = false
      at = end
    } else if (character === minus || (character >= zero && character <= nine)) {
      const end = endOfNumber(text, at)
      if (!isSafeNumber(text, at, end)) return 'json_number_unsafe'
      at = end
    } else {
      if (character === openBrace || character === openBracket) {
        open.push(character === openBrace ? new Set() : undefined)
        if (open.length > depthMax) return 'json_depth'
        isKeyNext = character === openBrace
      } else if (character === closeBrace || character === closeBracket) open.pop()
      else if (character === comma) isKeyNext = open.at(-1) !== undefined
      at += 1
    }
  }
  return undefined
}

/** The index behind the closing quote of the string that starts at `start`. */
function endOfString(text: string, start: number): number {
  let end = text.indexOf('"', start + 1)
  while (isEscaped(text, end)) end = text.indexOf('"', end + 1)
  return end + 1
}

/** Whether an odd number of backslashes stands before the character at `index`. */
function isEscaped(text: string, index: number): boolean {
  let first = index
  while (text[first - 1] === '\\') first -= 1
  return (index - first) % 2 === 1
}

/** Checks the string in `[start, end)`, and as a key when `keys` is given. */
function stringFault(
  text: string,
  start: number,
  end: number,
  keys: Set<string> | undefined,
): JsonFault | undefined {
  const raw = text.slice(start + 1, end - 1)
  const hasEscape = raw.includes('\\u')
  // Only an escape can spell NUL or half of a pair: the bytes were valid UTF-8.
  const value = hasEscape ? decode(text, start, end) : raw
  if (hasEscape && (value.includes('\0') || !value.isWellFormed())) return 'json_text_invalid'
  if (keys === undefined) return undefined
  const key = !hasEscape && raw.includes('\\') ? decode(text, start, end) : value
  if (key === '__proto__') return 'json_key_forbidden'
  if (keys.has(key)) return 'json_duplicate_key'
  keys.add(key)
  return undefined
}

function decode(text: string, start: number, end: number): string {
  return String(JSON.parse(text.slice(start, end)))
}

function endOfNumber(text: string, start: number): number {
  let end = start + 1
  while (end < text.length && '0123456789+-.eE'.includes(text.charAt(end))) end += 1
  return end
}

/** Shorter than 16 characters and without an exponent, no integer can leave the safe range. */
const alwaysSafeLength = 16

function isSafeNumber(text: string, start: number, end: number): boolean {
  const literal = text.slice(start, end)
  if (literal.length < alwaysSafeLength && !/e/i.test(literal)) return true
  const value = Number(literal)
  return Number.isFinite(value) && (!Number.isInteger(value) || Number.isSafeInteger(value))
}
