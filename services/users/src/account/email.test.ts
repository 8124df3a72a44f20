import { test } from 'tap'
import { normalEmail } from './email.ts'

const cases: readonly [string, string, string | undefined][] = [
  ['a plain address stays as it is', 'ada@example.org', 'ada@example.org'],
  ['case does not matter', 'Ada@Example.ORG', 'ada@example.org'],
  ['space around it does not matter', '  ada@example.org ', 'ada@example.org'],
  ['tags stay, because they are other mailboxes', 'ada+x@example.org', 'ada+x@example.org'],
  ['two spellings of one letter are one', 'ad\u0061\u0308@example.org', 'ad\u00e4@example.org'],
  ['a domain is spelt as DNS knows it', 'ada@b\u00fccher.example', 'ada@xn--bcher-kva.example'],
  ['so is one with composed letters', 'ada@bu\u0308cher.example', 'ada@xn--bcher-kva.example'],
  ['full-width letters are plain ones', 'ada@\uff45xample.org', 'ada@example.org'],
  ['a host without a dot is a host', 'ada@localhost', 'ada@localhost'],
  ['no at sign', 'ada.example.org', undefined],
  ['no local part', '@example.org', undefined],
  ['no domain', 'ada@', undefined],
  ['two addresses', 'ada@example.org,eve@example.org', undefined],
  ['a header after it', 'ada@example.org\r\nBcc: eve@example.org', undefined],
  ['a line break at its end', 'ada@example.org\n', undefined],
  ['NUL', 'ada\0@example.org', undefined],
  ['a name around it', 'Ada <ada@example.org>', undefined],
  ['a quoted local part', '"ada smith"@example.org', undefined],
  ['space inside', 'ada smith@example.org', undefined],
  ['an IP address as domain', 'ada@127.0.0.1', undefined],
  ['a number that means an IP address', 'ada@2130706433', undefined],
  ['an IP literal', 'ada@[127.0.0.1]', undefined],
  ['a port', 'ada@example.org:25', undefined],
  ['an empty label', 'ada@example..org', undefined],
  ['a label that begins with a hyphen', 'ada@-example.org', undefined],
  ['more than 64 characters before the at sign', `${'a'.repeat(65)}@example.org`, undefined],
  ['more than 254 characters', `ada@${'a.'.repeat(126)}org`, undefined],
  ['50 kB of hostile text, at once', `${'a.'.repeat(25_000)}@`, undefined],
]

for (const [name, given, expected] of cases) {
  test(name, async t => t.equal(normalEmail(given), expected))
}
