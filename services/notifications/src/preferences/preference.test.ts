import { AppError } from '@campus/platform/errors'
import { test } from 'tap'
import {
  type Change,
  type Choice,
  changesBetween,
  channelsOf,
  switchedOffBy,
  type Topic,
} from './preference.ts'

test('who has chosen nothing is told everything everywhere', async t => {
  t.same(channelsOf({ version: 0, switchedOff: [] }, 'orders'), { mail: true, in_app: true })
})

const choices: readonly [string, Choice, Topic[]][] = [
  ['what is left out is on', {}, []],
  ['what is on is not kept', { orders: { mail: true, in_app: true } }, []],
  ['a channel is switched off', { orders: { mail: false, in_app: true } }, ['orders:mail']],
  [
    'the order of what was said does not matter',
    { teams: { mail: false, in_app: false }, account: { mail: true, in_app: false } },
    ['account:in_app', 'teams:mail', 'teams:in_app'],
  ],
  ['security may be named as long as it is on', { security: { mail: true, in_app: true } }, []],
]
for (const [name, choice, expected] of choices) {
  test(name, async t => t.same(switchedOffBy(choice), expected))
}

test('security cannot be switched off on any channel', async t => {
  for (const security of [
    { mail: false, in_app: true },
    { mail: true, in_app: false },
  ]) {
    t.throws(() => switchedOffBy({ security }), AppError)
  }
})

const changes: readonly [string, Topic[], Topic[], Change[]][] = [
  ['the same choice moves no switch', ['orders:mail'], ['orders:mail'], []],
  [
    'each switch that was moved is told, in both directions',
    ['orders:mail', 'teams:in_app'],
    ['teams:in_app', 'teams:mail'],
    [
      { category: 'orders', channel: 'mail', enabled: true },
      { category: 'teams', channel: 'mail', enabled: false },
    ],
  ],
]
for (const [name, before, after, expected] of changes) {
  test(name, async t => t.same(changesBetween(before, after), expected))
}
