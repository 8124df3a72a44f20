import { test } from 'tap'
import { decideRefresh, graceMs, type Refresh, type SessionState } from './session.ts'

const now = new Date('2026-11-23T12:00:00.000Z')
const ago = (ms: number) => new Date(now.getTime() - ms)
const later = new Date(now.getTime() + 1)

interface Case {
  readonly name: string
  readonly state?: SessionState
  readonly expiresAt?: Date
  readonly usedAt?: Date | null
  readonly isSuccessorUsed?: boolean
  readonly expected: Refresh
}

const repeat = { kind: 'repeat', successorId: 'next' } as const

const cases: readonly Case[] = [
  { name: 'an unused token is rotated', usedAt: null, expected: { kind: 'rotate' } },
  { name: 'the same token at once repeats its successor', usedAt: now, expected: repeat },
  { name: 'so it does at the end of the grace', usedAt: ago(graceMs), expected: repeat },
  {
    name: 'later it is a reuse',
    usedAt: ago(graceMs + 1),
    expected: { kind: 'reuse' },
  },
  {
    name: 'a token whose successor was used is a reuse at once',
    usedAt: now,
    isSuccessorUsed: true,
    expected: { kind: 'reuse' },
  },
  { name: 'a revoked session is over', state: 'revoked', usedAt: null, expected: { kind: 'over' } },
  {
    name: 'an expired session is over',
    state: 'expired',
    usedAt: null,
    expected: { kind: 'over' },
  },
  {
    name: 'a session past its time is over before the sweep',
    expiresAt: now,
    usedAt: null,
    expected: { kind: 'over' },
  },
  {
    name: 'the reuse of a token of a session that is over changes nothing',
    state: 'revoked',
    usedAt: ago(60_000),
    expected: { kind: 'over' },
  },
]

for (const { name, state = 'live', expiresAt = later, usedAt = null, ...rest } of cases) {
  test(name, async t => {
    const session = { state, expiresAt }
    const token = { id: 'this', usedAt, successorId: usedAt === null ? null : 'next' }
    t.same(decideRefresh(session, token, rest.isSuccessorUsed ?? false, now), rest.expected)
  })
}
