import assert from 'node:assert/strict'
import type { SessionId, UserId } from '@campus/contracts/ids'
import { newId } from '@campus/platform/new-id'
import { test } from 'tap'
import { createAudience } from './audience.ts'
import { resumeAfter } from './frames.ts'

const never = new AbortController().signal
const somebody = () => ({ userId: newId<UserId>(), sid: newId<SessionId>() })

test('a ring for a version that was looked at already wakes nobody', async t => {
  const audience = createAudience({ perUserMax: 1, max: 1 })
  const ada = somebody()
  const seat = audience.join(ada)
  assert.ok(seat)
  seat.known = 3
  audience.ring(ada.userId, 3)
  t.equal(await seat.rung(1, never), false)
  audience.ring(ada.userId, 4)
  t.equal(await seat.rung(60_000, never), true, 'a ring before the wait counts')
  seat.known = 4
  t.equal(await seat.rung(1, never), false, 'and counts once')
})

test('a ring ends a wait, and so does the end of the stream', async t => {
  const audience = createAudience({ perUserMax: 1, max: 1 })
  const ada = somebody()
  const seat = audience.join(ada)
  assert.ok(seat)
  const woken = seat.rung(60_000, never)
  audience.ring(ada.userId, 1)
  t.equal(await woken, true)
  seat.known = 1
  const over = new AbortController()
  const ended = seat.rung(60_000, over.signal)
  over.abort()
  t.equal(await ended, false)
  t.equal(await seat.rung(60_000, over.signal), false, 'nor does a wait begin after it')
})

test('seats are bounded per person and in all, and are free again once they were left', async t => {
  const audience = createAudience({ perUserMax: 2, max: 3 })
  const [ada, bob, cleo] = [somebody(), somebody(), somebody()]
  const first = audience.join(ada)
  t.ok(audience.join(ada))
  t.notOk(audience.join(ada))
  t.ok(audience.join(bob))
  t.notOk(audience.join(cleo))
  t.equal(audience.size, 3)
  first?.leave()
  first?.leave()
  t.equal(audience.size, 2, 'leaving twice frees one seat')
  t.ok(audience.join(cleo))
  t.same(audience.users(), [ada.userId, bob.userId, cleo.userId])
})

test('the end of a session ends its streams only', async t => {
  const audience = createAudience({ perUserMax: 2, max: 3 })
  const ada = somebody()
  const [one, two] = [audience.join(ada), audience.join({ ...ada, sid: newId<SessionId>() })]
  audience.end(ada.sid)
  t.equal(one?.ended.aborted, true)
  t.equal(two?.ended.aborted, false)
})

test('a stream goes on after the last id, never beyond the present', async t => {
  t.equal(resumeAfter(undefined, 5), 5)
  t.equal(resumeAfter('3', 5), 3)
  t.equal(resumeAfter('0', 5), 0)
  for (const nonsense of ['6', '', '-1', '1.5', '1e3', 'x', '9'.repeat(30)]) {
    t.equal(resumeAfter(nonsense, 5), 5, nonsense)
  }
})
