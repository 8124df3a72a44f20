// What the network and the servers do to relay and consumer: docs/events.md, F2, F5, F6, F7, F12, F16.
import assert from 'node:assert/strict'
import { connect } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { header } from '@campus/contracts/envelope'
import { sql } from 'drizzle-orm'
import { array, assert as assertProperty, asyncProperty, constantFrom } from 'fast-check'
import { Client } from 'pg'
import { t as file, test } from 'tap'
import { withFlow } from '../process/flow.ts'
import { eventually } from '../testing/eventually.ts'
import { faultSeconds } from '../testing/faults.ts'
import { createTcpProxy } from '../testing/tcp-proxy.ts'
import { createKafka, type Kafka } from './kafka.ts'
import type { Fetched } from './kafka-consume.ts'
import { emit } from './outbox.ts'
import {
  addUp,
  assertAllServed,
  type Bar,
  count,
  openBar,
  pour,
  poured,
  serveInOrder,
  startConsumer,
  startRelay,
  topic,
  wash,
} from './test-bench.ts'

file.setTimeout((faultSeconds(60, 400) + 240) * 1_000)
file.jobs = 3

/** The bar, with everything it says to Kafka going through a proxy. */
async function openBarBehindProxy(t: Parameters<typeof openBar>[0]) {
  const bar = await openBar(t)
  const proxy = await createTcpProxy(t, `tcp://${bar.brokers.split(',')[0]}`)
  const kafka = createKafka({
    brokers: [`127.0.0.1:${proxy.port}`],
    clientId: 'bar',
    topicPrefix: bar.topicPrefix,
    socketFactory: ({ onConnect }) => connect(proxy.port, '127.0.0.1', onConnect),
  })
  t.teardown(() => kafka.close())
  return { ...bar, proxy, kafka, direct: bar.kafka }
}

function serve(t: Parameters<typeof openBar>[0], bar: Bar, kafka: Kafka = bar.kafka) {
  return startConsumer(
    t,
    bar,
    async ({ tx, event }) => {
      await serveInOrder(tx, event)
      await addUp(tx, event.data.glassId, event.data.number)
    },
    { kafka },
  )
}

async function served(bar: Bar, expected: Readonly<Record<string, number>>): Promise<void> {
  await eventually(() => assertAllServed(bar, expected), { timeoutMs: 60_000, everyMs: 250 })
}

/** Pours into a few glasses every few milliseconds until told to stop. */
function keepPouring(bar: Bar) {
  const expected: Record<string, number> = {}
  const latenciesMs: number[] = []
  const stopping = new AbortController()
  const pouring = (async () => {
    for (let n = 1; !stopping.signal.aborted; n += 1) {
      const glass = `g${n % 7}`
      const beganAt = performance.now()
      await pour(bar.postgres, glass, n)
      latenciesMs.push(performance.now() - beganAt)
      expected[glass] = (expected[glass] ?? 0) + n
      await delay(3)
    }
  })()
  return {
    latenciesMs,
    async stop() {
      stopping.abort()
      await pouring
      return expected
    },
  }
}

test('F2: when an answer is lost after the append, the batch is sent again and the inbox absorbs the copy', async t => {
  const bar = await openBarBehindProxy(t)
  startRelay(t, bar)
  serve(t, bar, bar.direct)
  await pour(bar.postgres, 'g', 1)
  await served(bar, { g: 1 })
  bar.proxy.mute()
  await pour(bar.postgres, 'g', 2)
  // The broker has appended it; the relay waits for an answer that does not come.
  await eventually(async () => assert.equal((await bar.records(topic)).length, 2), {
    timeoutMs: 20_000,
  })
  await pour(bar.postgres, 'g', 3)
  bar.proxy.restore()
  await served(bar, { g: 6 })
  t.ok((await bar.records(topic)).length > 3, 'the topic holds a copy')
})

test('F5: a transaction that holds a low seq open under load is published within a second of its commit', async t => {
  const bar = await openBar(t)
  startRelay(t, bar)
  serve(t, bar)
  const load = keepPouring(bar)
  let committedAt = 0
  await bar.postgres.transaction(async tx => {
    emit(tx, poured.of({ glassId: 'slow', number: 1 }))
    await delay(faultSeconds(3, 30) * 1_000)
  })
  committedAt = performance.now()
  await eventually(
    async () => {
      const { rows } = await bar.postgres.read(tx =>
        tx.execute(sql`select from outbox_archive where aggregate_key = 'glass:slow'`),
      )
      assert.equal(rows.length, 1)
    },
    { everyMs: 20 },
  )
  const ms = performance.now() - committedAt
  t.ok(ms < 1_000, `${Math.round(ms)} ms`)
  await served(bar, { ...(await load.stop()), slow: 1 })
})

test('F6: terminated backends and an idle transaction in another schema lose nothing and stall nobody', async t => {
  const bar = await openBar(t)
  startRelay(t, bar)
  serve(t, bar)
  const idle = new Client({ connectionString: bar.adminUrl })
  await idle.connect()
  t.teardown(() => idle.end())
  await idle.query('create schema elsewhere; create table elsewhere.t (n int)')
  await idle.query('begin isolation level repeatable read')
  await idle.query('insert into elsewhere.t values (1)')

  const admin = new Client({ connectionString: bar.adminUrl })
  await admin.connect()
  t.teardown(() => admin.end())
  const expected: Record<string, number> = {}
  const until = performance.now() + faultSeconds(5, 60) * 1_000
  for (let n = 1; performance.now() < until; n += 1) {
    // Whether a commit that was cut off has happened is not known, so the writer asks.
    await pour(bar.postgres, 'g', n).catch(() => undefined)
    if (n % 25 === 0) {
      await admin.query(`select pg_terminate_backend(pid) from pg_stat_activity
        where datname = current_database() and pid not in (pg_backend_pid(), ${await pidOf(idle)})
          and random() < 0.5`)
    }
    await delay(2)
  }
  const { rows } = await admin.query<{ total: number }>(`
    select sum((payload ->> 'number')::int)::int as total
    from (select payload from bar.outbox union all select payload from bar.outbox_archive) e`)
  expected['g'] = rows[0]?.total ?? 0
  t.ok(expected['g'] > 0)
  await served(bar, expected)
  await idle.query('rollback')
})

async function pidOf(client: Client): Promise<number> {
  const { rows } = await client.query<{ pid: number }>('select pg_backend_pid() as pid')
  return rows[0]?.pid ?? 0
}

test('F7: cut, half-open, slow and throttled connections to the broker: it recovers alone, and writes do not notice', async t => {
  t.setTimeout(240_000)
  const bar = await openBarBehindProxy(t)
  startRelay(t, bar)
  serve(t, bar)
  const load = keepPouring(bar)
  const { latenciesMs } = load
  const { proxy } = bar
  await delay(3_000)
  const quietCount = latenciesMs.length
  const outageMs = faultSeconds(2.5, 120) * 1_000
  for (const fault of [
    () => proxy.cut(),
    () => proxy.reset(),
    () => proxy.mute(),
    () => proxy.freeze(),
    () => proxy.slow({ ms: 2_000, share: 0.1 }),
    () => proxy.throttle({ bytesPerSecond: 2_000 }),
  ]) {
    fault()
    await delay(outageMs)
    proxy.restore()
    await delay(1_000)
  }
  const expected = await load.stop()
  const p99 = (values: number[]) =>
    values.toSorted((a, b) => a - b)[Math.floor(values.length * 0.99)]
  t.comment(
    `commit p99: quiet ${p99(latenciesMs.slice(0, quietCount))} ms, outages ${p99(latenciesMs.slice(quietCount))} ms`,
  )
  t.ok(
    latenciesMs.every(ms => ms < 2_000),
    'no write waited for Kafka',
  )
  await served(bar, expected)
})

type Operation =
  | 'pour'
  | 'pour and roll back'
  | 'wash'
  | 'lose the request'
  | 'lose the answer'
  | 'lose the offset'
  | 'change the relay'
  | 'wait'

test('F12: whatever commits, rolls back, gets lost and dies in between, the system equals its model', async t => {
  t.setTimeout(300_000)
  const operation = constantFrom<Operation>(
    'pour',
    'pour',
    'pour and roll back',
    'wash',
    'lose the request',
    'lose the answer',
    'lose the offset',
    'change the relay',
    'wait',
  )
  await assertProperty(
    asyncProperty(array(operation, { minLength: 10, maxLength: 40 }), async operations => {
      const bar = await openBar(t)
      const lost = { request: 0, answer: 0, offset: 0 }
      const kafka = losing(bar.kafka, lost)
      let relay = startRelay(t, bar, kafka)
      const consumer = serve(t, bar, kafka)
      const model: Record<string, number> = {}
      for (const [n, step] of operations.entries()) {
        const glass = `g${n % 3}`
        switch (step) {
          case 'pour':
            await pour(bar.postgres, glass, n)
            model[glass] = (model[glass] ?? 0) + n
            break
          case 'pour and roll back':
            await bar.postgres
              .transaction(async tx => {
                emit(tx, poured.of({ glassId: glass, number: n }))
                throw new Error('spilled')
              })
              .catch(() => undefined)
            break
          case 'wash':
            await wash(bar.postgres, glass)
            break
          case 'lose the request':
            lost.request += 1
            break
          case 'lose the answer':
            lost.answer += 1
            break
          case 'lose the offset':
            lost.offset += 1
            break
          case 'change the relay':
            startRelay(t, bar, kafka)
            await relay.stop()
            relay = startRelay(t, bar, kafka)
            break
          case 'wait':
            await delay(20)
            break
        }
      }
      await eventually(() => assertModel(bar, model), { timeoutMs: 40_000, everyMs: 100 })
      await consumer.stop()
    }),
    { numRuns: faultSeconds(4, 60), endOnFailure: true },
  )
  t.pass()
})

/** The oracle without the inbox of washed glasses, which nobody handles. */
async function assertModel(bar: Bar, model: Readonly<Record<string, number>>): Promise<void> {
  assert.equal(await count(bar.postgres, 'outbox'), 0)
  const { rows } = await bar.postgres.read(tx =>
    tx.execute<{ key: string; total: number }>(
      sql`select aggregate_key as key, version as total from seen_version where consumer = 'sum'`,
    ),
  )
  assert.deepEqual(Object.fromEntries(rows.map(row => [row.key, row.total])), model)
  const { rows: wrong } = await bar.postgres.read(tx =>
    tx.execute(sql`
      select v.aggregate_key from aggregate_version v
      left join seen_version s on s.consumer = 'bar.ledger' and s.aggregate_key = v.aggregate_key
      where s.version is distinct from v.version
      union all select aggregate_key from parked_event`),
  )
  assert.deepEqual(wrong, [])
}

/** A Kafka that loses what it is told to lose, before or after the real thing has happened. */
function losing(kafka: Kafka, lost: { request: number; answer: number; offset: number }): Kafka {
  return {
    ...kafka,
    async send(...args) {
      if (lost.request > 0) {
        lost.request -= 1
        throw new Error('The request is lost.')
      }
      const offset = await kafka.send(...args)
      if (lost.answer === 0) return offset
      lost.answer -= 1
      throw new Error('The answer is lost.')
    },
    consume: options =>
      kafka.consume({
        ...options,
        onFetched: fetched => options.onFetched(losingOffsets(fetched, lost)),
      }),
  }
}

function losingOffsets(fetched: Fetched, lost: { offset: number }): Fetched {
  return {
    ...fetched,
    async commit(positions) {
      if (lost.offset === 0) return fetched.commit(positions)
      lost.offset -= 1
      throw new Error('The offset is lost.')
    },
  }
}

test('F16: one trace id over the emitting request, Kafka, the handler and the next event, also when the first relay dies', async t => {
  const bar = await openBar(t)
  const trace = 'c'.repeat(32)
  const flow = {
    correlationId: 'story',
    causationId: 'request',
    actor: 'user:1',
    traceparent: `00-${trace}-${'d'.repeat(16)}-01`,
  }
  const dying: Kafka = { ...bar.kafka, send: () => Promise.reject(new Error('dying')) }
  const first = startRelay(t, bar, dying)
  await withFlow(flow, () => pour(bar.postgres, 'g', 1))
  await first.stop()
  startRelay(t, bar)
  startConsumer(t, bar, async ({ tx, event }) => {
    if (event.data.number === 1) emit(tx, poured.of({ glassId: 'h', number: 2 }))
  })
  await eventually(async () => assert.equal((await bar.records(topic)).length, 2))
  for (const { headers } of await bar.records(topic)) {
    t.match(headers[header.traceparent], new RegExp(`^00-${trace}-`))
    t.equal(headers[header.correlationId], 'story')
  }
})
