import { test } from 'tap'
import { createBreaker } from './breaker.ts'

function breaker() {
  let nowMs = 1_000_000
  const made = createBreaker({ now: () => new Date(nowMs) })
  return {
    made,
    pass: (ms: number) => {
      nowMs += ms
    },
    fail: (times: number) => {
      for (let i = 0; i < times; i += 1) made.failed()
    },
  }
}

test('G5: five failures in a row open it, and an answer between them does not let them add up', async t => {
  const { made, fail } = breaker()
  fail(4)
  made.answered()
  fail(4)
  t.ok(made.mayTry())
  fail(1)
  t.ok(made.isOpen)
  t.notOk(made.mayTry())
})

test('G5: while it is open one request a second may try, and an answer closes it', async t => {
  const { made, pass, fail } = breaker()
  fail(5)
  pass(1_000)
  t.ok(made.mayTry(), 'one tries')
  t.notOk(made.mayTry(), 'the others do not wait for it')
  made.failed()
  pass(999)
  t.notOk(made.mayTry())
  pass(1)
  t.ok(made.mayTry())
  made.answered()
  t.same([made.mayTry(), made.mayTry(), made.isOpen], [true, true, false])
})

test('G5: a request that tries and never ends does not keep it open', async t => {
  const { made, pass, fail } = breaker()
  fail(5)
  pass(1_000)
  t.ok(made.mayTry())
  pass(1_000)
  t.ok(made.mayTry())
})
