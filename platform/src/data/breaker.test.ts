import { test } from 'tap'
import { createBreaker } from './breaker.ts'

function breaker(options: { timeoutMs?: number } = {}) {
  let nowMs = 0
  const made = createBreaker({
    failuresMax: 2,
    openMs: 1_000,
    clock: { now: () => new Date(nowMs) },
    ...options,
  })
  return {
    made,
    pass: (ms: number) => {
      nowMs += ms
    },
  }
}

const broken = () => Promise.reject(new Error('broken'))

test('it opens after failures in a row, lets one try after the pause, and closes when that works', async t => {
  const { made, pass } = breaker()
  t.equal(await made.run(broken), undefined)
  t.equal(await made.run(async () => 'fine'), 'fine')
  await made.run(broken)
  t.notOk(made.isOpen)
  await made.run(broken)
  t.ok(made.isOpen)

  let tries = 0
  const attempt = async () => {
    tries += 1
    return 'fine'
  }
  t.equal(await made.run(attempt), undefined)
  t.equal(tries, 0)

  pass(1_000)
  const [first, second] = await Promise.all([made.run(attempt), made.run(attempt)])
  t.same([first, second, tries], ['fine', undefined, 1])
  t.notOk(made.isOpen)
  t.equal(await made.run(attempt), 'fine')
})

test('a failed try keeps it open for another pause', async t => {
  const { made, pass } = breaker()
  await made.run(broken)
  await made.run(broken)
  pass(1_000)
  await made.run(broken)
  t.ok(made.isOpen)
})

test('a caller waits no longer than the time-out', async t => {
  const { made } = breaker({ timeoutMs: 30 })
  const startedAt = performance.now()
  t.equal(await made.run(() => new Promise(() => undefined)), undefined)
  t.ok(performance.now() - startedAt < 500)
})
