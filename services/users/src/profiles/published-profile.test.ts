import type { UserId } from '@campus/contracts/ids'
import { newId } from '@campus/platform/new-id'
import { test } from 'tap'
import { flawOf, ownerOf, profileKey, versionIn } from './published-profile.ts'

const id = newId<UserId>()
const key = profileKey(id)
const account = { id, version: 3, state: 'active' } as const

const rows = [
  { guarantee: 'the same version is as it should be', given: account, last: [[key, 3]] },
  { guarantee: 'no value at all is missing', given: account, last: [], flaw: 'missing' },
  { guarantee: 'a tombstone is missing', given: account, last: [[key, null]], flaw: 'missing' },
  { guarantee: 'an older one is outdated', given: account, last: [[key, 2]], flaw: 'outdated' },
  { guarantee: 'a newer one is outdated', given: account, last: [[key, 4]], flaw: 'outdated' },
  {
    guarantee: 'unreadable bytes are outdated',
    given: account,
    last: [[key, -1]],
    flaw: 'outdated',
  },
  {
    guarantee: 'a value of an erased account is a stray',
    given: { ...account, state: 'erased' },
    last: [[key, 3]],
    flaw: 'stray',
  },
  {
    guarantee: 'a tombstone of an erased account is as it should be',
    given: { ...account, state: 'erased' },
    last: [[key, null]],
  },
] as const

for (const { guarantee, given, last, ...expected } of rows) {
  test(guarantee, async t => {
    const flaw = 'flaw' in expected ? expected.flaw : undefined
    t.equal(flawOf(given, new Map<string, number | null>(last)), flaw)
  })
}

test('a key that is no profile has no owner, and a value that is none has no version', async t => {
  t.equal(ownerOf(key), id)
  for (const wrong of ['', 'user:', 'user:x', `session:${id}`]) t.equal(ownerOf(wrong), undefined)
  t.equal(versionIn(Buffer.from('{"version":7}')), 7)
  t.equal(versionIn(null), null)
  for (const wrong of ['', '{', '{}', 'null']) t.equal(versionIn(Buffer.from(wrong)), -1)
})
