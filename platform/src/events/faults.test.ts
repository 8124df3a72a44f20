// Faults of processes around the event mechanism: docs/events.md, F3, F4, F8, F10, F11. Short here, long by
// `npm run test:faults`.
import assert from 'node:assert/strict'
import { setTimeout as delay } from 'node:timers/promises'
import { sql } from 'drizzle-orm'
import { t as file, test } from 'tap'
import { eventually } from '../testing/eventually.ts'
import { faultSeconds } from '../testing/faults.ts'
import { emit } from './outbox.ts'
import {
  assertAllServed,
  type Bar,
  type BarProcess,
  openBar,
  parked,
  pour,
  poured,
  startBarProcess,
  sums,
} from './test-bench.ts'

file.setTimeout((faultSeconds(30, 700) * 4 + 240) * 1_000)
file.jobs = 3

/** Pours until told to stop. @returns the sum of each glass */
function keepPouring(bar: Bar, glasses = 20) {
  const expected: Record<string, number> = {}
  const stopping = new AbortController()
  const pouring = Promise.all(
    Array.from({ length: 4 }, async (_, writer) => {
      for (let n = 1; !stopping.signal.aborted; n += 1) {
        const glass = `g${(n * 4 + writer) % glasses}`
        await pour(bar.postgres, glass, n)
        expected[glass] = (expected[glass] ?? 0) + n
        await delay(5)
      }
    }),
  )
  return async () => {
    stopping.abort()
    await pouring
    return expected
  }
}

async function served(bar: Bar, expected: Readonly<Record<string, number>>): Promise<void> {
  await eventually(() => assertAllServed(bar, expected), { timeoutMs: 60_000, everyMs: 500 })
}

const seconds = faultSeconds(8, 60)

test(`F3: kill -9 every second of 3 relays and 3 consumers for ${seconds} s loses, doubles and reorders nothing`, async t => {
  t.setTimeout((seconds + 120) * 1_000)
  const bar = await openBar(t)
  const replicas = Array.from({ length: 3 }, () => startBarProcess(t, bar))
  const stop = keepPouring(bar)
  for (let second = 0; second < seconds; second += 1) {
    await delay(1_000)
    const victim = second % 3
    await replicas[victim]?.end('SIGKILL')
    replicas[victim] = startBarProcess(t, bar)
  }
  const expected = await stop()
  const killedAt = performance.now()
  await served(bar, expected)
  t.ok(performance.now() - killedAt < 60_000, 'caught up within 60 s after the last kill')
})

test('F4: a replica that sleeps past its lease and wakes up, and clocks an hour apart, change nothing', async t => {
  t.setTimeout(180_000)
  const bar = await openBar(t)
  const hour = 3_600_000
  const replicas = [
    startBarProcess(t, bar, { CLOCK_OFFSET_MS: String(hour) }),
    startBarProcess(t, bar, { CLOCK_OFFSET_MS: String(-hour) }),
    startBarProcess(t, bar),
  ]
  const stop = keepPouring(bar)
  for (const { child } of replicas.slice(0, faultSeconds(1, 3))) {
    await delay(1_500)
    child.kill('SIGSTOP')
    // The lease lasts 5 s.
    await delay(7_000)
    child.kill('SIGCONT')
  }
  const expected = await stop()
  await served(bar, expected)
  t.pass()
})

test('F8: an event that kills every process that touches it is parked as crash, and all others flow', async t => {
  t.setTimeout(180_000)
  const bar = await openBar(t)
  const { postgres } = bar
  await pour(postgres, 'killer', 1)
  for (let n = 0; n < 30; n += 1) await pour(postgres, `g${n}`, 1)
  let replica: BarProcess | undefined
  let lives = 0
  const raising = new AbortController()
  // What a supervisor does.
  const supervised = (async () => {
    while (!raising.signal.aborted) {
      replica = startBarProcess(t, bar)
      lives += 1
      await new Promise(resolve => replica?.child.once('exit', resolve))
    }
  })()
  await eventually(
    async () => {
      assert.equal(Object.keys(await sums(postgres)).length, 30)
      assert.deepEqual(await parked(postgres), [[1, 'crash', 'parked']])
    },
    { timeoutMs: 150_000, everyMs: 500 },
  )
  raising.abort()
  await replica?.end('SIGTERM')
  await supervised
  t.ok(lives >= 5, `${lives} processes`)
  const { rows } = await postgres.read(tx => tx.execute(sql`select from solo_attempt`))
  t.equal(rows.length, 0, 'attempts are forgotten once they are over')
})

const blockSeconds = faultSeconds(7, 15)

test(`F8: a handler that blocks its process for ${blockSeconds} s is parked, and all others flow`, async t => {
  t.setTimeout(180_000)
  const bar = await openBar(t)
  startBarProcess(t, bar)
  await pour(bar.postgres, 'g', 1)
  await eventually(async () => assert.deepEqual(await sums(bar.postgres), { g: 1 }), {
    timeoutMs: 20_000,
  })
  await pour(bar.postgres, 'blocker', blockSeconds * 1_000)
  for (let n = 0; n < 20; n += 1) await pour(bar.postgres, `h${n}`, 1)
  const others = Object.fromEntries(Array.from({ length: 20 }, (_, n) => [`h${n}`, 1]))
  await eventually(
    async () => {
      assert.deepEqual(await sums(bar.postgres), { g: 1, ...others })
      assert.deepEqual(await parked(bar.postgres), [[1, 'HandlerTimeout', 'parked']])
    },
    { timeoutMs: 150_000, everyMs: 500 },
  )
  t.pass()
})

const churnSeconds = faultSeconds(5, 180)

test(`F10: 1 → 6 → 1 replicas every 5 s for ${churnSeconds} s change nothing`, async t => {
  t.setTimeout((churnSeconds + 120) * 1_000)
  const bar = await openBar(t)
  const stop = keepPouring(bar)
  const first = startBarProcess(t, bar)
  await first.started
  const codes: (number | null)[] = []
  for (let second = 0; second < churnSeconds; second += 5) {
    const more = Array.from({ length: 5 }, () => startBarProcess(t, bar))
    await Promise.all(more.map(({ started }) => started))
    await delay(2_000)
    codes.push(...(await Promise.all(more.map(replica => replica.end('SIGTERM')))))
    await delay(2_500)
  }
  const expected = await stop()
  await served(bar, expected)
  t.same(new Set(codes), new Set([0]), 'no replica crashed')
  t.equal(first.child.exitCode, null)
})

const rollSeconds = faultSeconds(6, 60)

test(`F11: a rolling restart by SIGTERM at 1,000 events a second for ${rollSeconds} s repeats nothing`, async t => {
  t.setTimeout((rollSeconds + 120) * 1_000)
  const bar = await openBar(t)
  const expected: Record<string, number> = {}
  const stopping = new AbortController()
  let count = 0
  const pouring = (async () => {
    const beganAt = performance.now()
    for (let n = 1; !stopping.signal.aborted; n += 1) {
      const glasses = Array.from({ length: 25 }, (_, i) => `g${(n * 25 + i) % 200}`)
      await bar.postgres.transaction(async tx =>
        emit(tx, ...glasses.map(glassId => poured.of({ glassId, number: n }))),
      )
      for (const glass of glasses) expected[glass] = (expected[glass] ?? 0) + n
      count += glasses.length
      await delay(Math.max(0, count - (performance.now() - beganAt)))
    }
    return count / ((performance.now() - beganAt) / 1_000)
  })()
  let replicas = [startBarProcess(t, bar), startBarProcess(t, bar)]
  await Promise.all(replicas.map(({ started }) => started))
  const gone: BarProcess[] = []
  for (let second = 0; second < rollSeconds; second += 3) {
    const [oldest, ...rest] = replicas
    const next = startBarProcess(t, bar)
    await next.started
    replicas = [...rest, next]
    if (oldest !== undefined) gone.push(oldest)
    t.equal(await oldest?.end('SIGTERM'), 0, 'it leaves in order')
    await delay(1_500)
  }
  stopping.abort()
  t.comment(`${Math.round(await pouring)} events/s`)
  await served(bar, expected)
  await Promise.all(replicas.map(replica => replica.end('SIGTERM')))
  t.same(
    [...gone, ...replicas].map(replica => replica.duplicates()),
    [...gone, ...replicas].map(() => 0),
  )
})
