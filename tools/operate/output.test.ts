import { test } from 'tap'
import { moment } from './options.ts'
import { createOutput } from './output.ts'
import { withoutAddresses } from './personal.ts'

function printed(
  isJson: boolean,
  print: (output: ReturnType<typeof createOutput>) => void,
): string {
  let text = ''
  print(
    createOutput({
      isJson,
      write: more => {
        text += more
      },
      warn: () => undefined,
    }),
  )
  return text
}

test('people get an aligned table, numbers to the right', async t => {
  const rows = [
    { name: 'a', oldestSeconds: 5, isOwned: true },
    { name: 'long', oldestSeconds: 500, isOwned: null },
  ]
  t.equal(
    printed(false, output => output.table(rows, '')),
    [
      'name  oldest seconds  is owned',
      'a                  5  yes',
      'long             500  -',
      '',
    ].join('\n'),
  )
  t.equal(
    printed(false, output => output.table([], 'None.')),
    'None.\n',
  )
})

test('programs get a JSON object a line and no sentences', async t => {
  const text = printed(true, output => {
    output.say('Hello.')
    output.table([{ offset: 9_007_199_254_740_993n }, { offset: 1n }], 'None.')
    output.record({ a: { b: null } })
  })
  t.equal(text, '{"offset":"9007199254740993"}\n{"offset":"1"}\n{"a":{"b":null}}\n')
})

test('a moment is RFC 3339 or a time ago, and nothing else', async t => {
  t.equal(moment('2026-11-20T08:00:00Z').toISOString(), '2026-11-20T08:00:00.000Z')
  const ago = Date.now() - moment('2h').getTime()
  t.ok(Math.abs(ago - 7_200_000) < 1_000)
  for (const wrong of ['yesterday', '2026', '2x', '', '2026-11-20']) {
    t.throws(() => moment(wrong), wrong)
  }
})

test('addresses of people are taken out of texts', async t => {
  t.equal(withoutAddresses('550 <ada@campus.example>: no'), '550 <<address>>: no')
  t.equal(withoutAddresses(null), null)
})
