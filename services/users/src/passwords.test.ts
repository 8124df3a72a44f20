import { eventually } from '@campus/platform/testing/eventually'
import { test } from 'tap'
import { createPasswords } from './passwords.ts'

const passwords = createPasswords({ concurrency: 2, queueMax: 8 })

test('a stored password is a PHC string of argon2id with its parameters and a salt of its own', async t => {
  const [one, two] = await Promise.all([passwords.hash('same'), passwords.hash('same')])
  t.match(one, /^\$argon2id\$v=19\$m=19456,t=2,p=1\$[\w+/]{22}\$[\w+/]{43}$/)
  t.not(one, two)
  t.equal(passwords.isOutdated(one), false)
})

test('two long passwords that differ in their last character are two passwords', async t => {
  const stored = await passwords.hash(`${'x'.repeat(255)}a`)
  t.equal(await passwords.verify(`${'x'.repeat(255)}a`, stored), true)
  t.equal(await passwords.verify(`${'x'.repeat(255)}b`, stored), false)
})

test('a hash of the reference implementation is understood and known to be outdated', async t => {
  // From the tests of the reference implementation: argon2id, m=256, t=2, p=1, salt "somesalt".
  const stored =
    '$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4'
  t.equal(await passwords.verify('password', stored), true)
  t.equal(await passwords.verify('passwore', stored), false)
  t.equal(passwords.isOutdated(stored), true)
})

test('nobody has the password of an unknown account', async t => {
  t.equal(await passwords.verify('anything', undefined), false)
})

test('more than may wait are refused at once, and the others are served', async t => {
  const busy = createPasswords({ concurrency: 1, queueMax: 2 })
  const results = await Promise.allSettled(Array.from({ length: 6 }, () => busy.hash('password')))
  t.same(
    results.map(({ status }) => status),
    ['fulfilled', 'fulfilled', 'fulfilled', 'rejected', 'rejected', 'rejected'],
  )
  const refused = results.at(-1)
  t.match(refused, { reason: { code: 'server.overloaded', headers: { 'retry-after': '1' } } })
  t.ok(await busy.hash('password'), 'the slots are free again')
})

test('an unknown account takes as long as a known one', async t => {
  const stored = await passwords.hash('password')
  // Machines that do other things at the same time make single measurements worthless: the best of
  // many is compared, a few times over.
  await eventually(async () => {
    const [known, unknown] = [[] as number[], [] as number[]]
    for (let i = 0; i < 20; i += 1) {
      known.push(await secondsOf(() => passwords.verify('wrong', stored)))
      unknown.push(await secondsOf(() => passwords.verify('wrong', undefined)))
    }
    const ratio = Math.min(...unknown) / Math.min(...known)
    if (Math.abs(ratio - 1) > 0.2) throw new Error(`the ratio is ${ratio}`)
  })
  t.pass('the fastest hardly differ; without the check it would be nothing against 20 ms')
})

async function secondsOf(work: () => Promise<unknown>): Promise<number> {
  const start = performance.now()
  await work()
  return (performance.now() - start) / 1_000
}
