import { test } from 'tap'
import { createRevocations } from './revocations.ts'

const start = Date.parse('2026-11-23T10:00:00.500Z')

function revocations() {
  let nowMs = start
  const set = createRevocations({ clock: { now: () => new Date(nowMs) } })
  return {
    set,
    pass: (ms: number) => {
      nowMs += ms
    },
  }
}

const iso = (ms: number) => new Date(ms).toISOString()
const value = {
  userId: 'u1',
  notBeforeAt: iso(start),
  untilAt: iso(start + 600_000),
  cause: 'password_changed',
}
const token = (sid: string, userId: string, issuedMs: number) => {
  return { sid, userId, issuedAt: issuedMs / 1_000 }
}

test('all tokens of a revoked session are void, other sessions of the user are not', t => {
  const { set } = revocations()
  set.apply('session:s1', { ...value, sid: 's1' })
  t.ok(set.isRevoked(token('s1', 'u1', start + 60_000)))
  t.notOk(set.isRevoked(token('s2', 'u1', start - 1)))
  t.end()
})

test('tokens of a user from before the moment are void, to the millisecond', t => {
  const { set } = revocations()
  set.apply('user:u1', value)
  t.ok(set.isRevoked(token('s1', 'u1', start - 1)))
  t.notOk(set.isRevoked(token('s1', 'u1', start)))
  t.notOk(set.isRevoked(token('s1', 'u2', start - 1)))
  t.end()
})

test('a tombstone lifts a revocation, and unknown kinds of keys change nothing', t => {
  const { set } = revocations()
  set.apply('user:u1', value)
  set.apply('user:u1', null)
  set.apply('device:d1', value)
  t.equal(set.size, 0)
  t.end()
})

test('entries that no token can outlive are not kept', t => {
  const { set, pass } = revocations()
  set.apply('user:late', { ...value, untilAt: iso(start) })
  t.equal(set.size, 0)
  set.apply('user:old', value)
  pass(600_001)
  for (let count = 0; count < 256; count += 1) {
    set.apply(`session:${count}`, { ...value, untilAt: iso(start + 1_200_000) })
  }
  t.equal(set.size, 256)
  t.end()
})
