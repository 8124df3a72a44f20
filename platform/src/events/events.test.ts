import assert from 'node:assert/strict'
import { setTimeout as delay } from 'node:timers/promises'
import { header } from '@campus/contracts/envelope'
import { sql } from 'drizzle-orm'
import { t as file, test } from 'tap'
import { withFlow } from '../process/flow.ts'
import { eventually } from '../testing/eventually.ts'
import type { Kafka } from './kafka.ts'
import { murmur2 } from './murmur2.ts'
import { emit } from './outbox.ts'
import {
  addUp,
  count,
  openBar,
  pour,
  poured,
  repeat,
  startConsumer,
  startRelay,
  sums,
  topic,
} from './test-bench.ts'

file.setTimeout(150_000)
file.jobs = 3

test('a committed event is published once with its envelope, a rolled back one never', async t => {
  const bench = await openBar(t)
  const { postgres } = bench
  startRelay(t, bench)
  const flow = {
    correlationId: 'story-1',
    causationId: 'request-1',
    actor: 'user:1',
    traceparent: `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`,
  }
  await withFlow(flow, () => pour(postgres, 'g1', 1))
  await postgres
    .transaction(async tx => {
      emit(tx, poured.of({ glassId: 'g1', number: 2 }))
      throw new Error('spilled')
    })
    .catch(() => undefined)
  await pour(postgres, 'g1', 3)
  await eventually(async () => assert.equal(await count(postgres, 'outbox'), 0))

  const records = await bench.records(topic)
  t.same(
    records.map(({ value }) => JSON.parse(String(value)).number),
    [1, 3],
  )
  t.same(
    records.map(({ headers }) => headers[header.version]),
    ['1', '2'],
    'versions have no gap',
  )
  const [first] = records
  t.equal(first?.key, 'glass:g1')
  t.equal(first?.partition, murmur2('glass:g1') % 12)
  t.match(first?.headers, {
    [header.type]: 'bar.drink_poured.v1',
    [header.source]: '/campus/bar',
    [header.subject]: 'g1',
    [header.correlationId]: 'story-1',
    [header.causationId]: 'request-1',
    [header.actor]: 'user:1',
    [header.traceparent]: new RegExp(`^00-${'a'.repeat(32)}-`),
  })
  t.equal(first?.headers[header.time], first?.timestamp.toISOString())
  t.equal(await count(postgres, 'outbox_archive'), 2)
})

test('a payload that breaks its closed schema is refused where it is emitted', async t => {
  const { postgres } = await openBar(t)
  const wrong: object = { glassId: 'g', number: 1, secret: 'x' }
  await t.rejects(
    postgres.transaction(async tx => emit(tx, { definition: poured, subject: 'g', data: wrong })),
    { name: 'ContractViolation' },
  )
})

test('several events of one transaction keep their order and share the lock of their aggregate', async t => {
  const bench = await openBar(t)
  const { postgres } = bench
  startRelay(t, bench)
  await Promise.all(
    Array.from({ length: 20 }, (_, i) =>
      postgres.transaction(async tx => {
        emit(
          tx,
          poured.of({ glassId: 'a', number: i }),
          poured.of({ glassId: 'b', number: i }),
          poured.of({ glassId: 'a', number: i + 100 }),
        )
      }),
    ),
  )
  await eventually(async () => assert.equal(await count(postgres, 'outbox'), 0))
  const records = await bench.records(topic)
  for (const key of ['glass:a', 'glass:b']) {
    const versions = records.filter(r => r.key === key).map(r => Number(r.headers[header.version]))
    t.same(
      versions,
      versions.map((_, i) => i + 1),
      `${key} is gapless and in order`,
    )
  }
  t.equal(records.length, 60)
})

test('two relays share the lanes and publish every event once, in order', async t => {
  const bench = await openBar(t)
  const { postgres } = bench
  startRelay(t, bench)
  const second = startRelay(t, bench)
  for (let number = 0; number < 30; number += 1) {
    await Promise.all(Array.from({ length: 8 }, (_, g) => pour(postgres, `g${g}`, number)))
    if (number === 15) await second.stop()
  }
  await eventually(async () => assert.equal(await count(postgres, 'outbox'), 0), {
    timeoutMs: 15_000,
  })
  const records = await bench.records(topic)
  t.equal(records.length, 240)
  for (let g = 0; g < 8; g += 1) {
    const numbers = records
      .filter(r => r.key === `glass:g${g}`)
      .map(r => JSON.parse(String(r.value)).number)
    t.same(
      numbers,
      [...numbers].toSorted((a, b) => a - b),
      `g${g} is in order`,
    )
  }
})

test('a relay that lost its lanes during a send settles nothing, and their next owner publishes again', async t => {
  const bar = await openBar(t)
  const { postgres, kafka } = bar
  const sent = Promise.withResolvers<void>()
  const answer = Promise.withResolvers<void>()
  const slow: Kafka = {
    ...kafka,
    async send(...args) {
      const offset = await kafka.send(...args)
      sent.resolve()
      await answer.promise
      return offset
    },
  }
  const first = startRelay(t, bar, slow)
  await pour(postgres, 'g', 1)
  await sent.promise
  const take = (seconds: number) =>
    postgres.read(tx =>
      tx.execute(sql`update outbox_lane set owner = 'another', epoch = epoch + 1,
        lease_until = now() + make_interval(secs => ${seconds})`),
    )
  await take(60)
  answer.resolve()
  await first.stop()
  t.equal(await count(postgres, 'outbox'), 1, 'nobody else must lose what they own')
  await take(0)
  startRelay(t, bar)
  await eventually(async () => assert.equal(await count(postgres, 'outbox'), 0))
  const ids = (await bar.records(topic)).map(({ headers }) => headers[header.id])
  t.equal(ids.length, 2)
  t.equal(new Set(ids).size, 1, 'a copy of the same event, for the inbox')
})

test('a row that commits late with a low seq is published', async t => {
  const bench = await openBar(t)
  const { postgres } = bench
  startRelay(t, bench)
  const slow = postgres.transaction(async tx => {
    emit(tx, poured.of({ glassId: 'slow', number: 1 }))
    await delay(1_500)
  })
  await delay(50)
  await pour(postgres, 'fast', 1)
  await eventually(async () => assert.equal(await count(postgres, 'outbox_archive'), 1))
  await slow
  await eventually(async () => assert.equal(await count(postgres, 'outbox_archive'), 2))
})

test('the first event of a service that has been idle for long is published', async t => {
  const bench = await openBar(t)
  startRelay(t, bench)
  // Long enough for the relay to learn that everything so far, which is nothing, is settled.
  await delay(3_500)
  await pour(bench.postgres, 'g', 1)
  await eventually(async () => assert.equal(await count(bench.postgres, 'outbox'), 0))
  t.equal((await bench.records(topic)).length, 1)
})

test('an event never overtakes an earlier one of its aggregate that committed late', async t => {
  const bench = await openBar(t)
  const { postgres } = bench
  startRelay(t, bench)
  // The other aggregates keep raising the highest published seq while each transaction is open.
  const noise = new AbortController()
  const rising = (async () => {
    for (let n = 1; !noise.signal.aborted; n += 1) await pour(postgres, `noise${n % 5}`, n)
  })()
  for (let number = 1; number <= 12; number += 1) {
    await postgres.transaction(async tx => {
      emit(tx, poured.of({ glassId: 'late', number }))
      await delay(number % 4 === 0 ? 400 : 40)
    })
  }
  noise.abort()
  await rising
  await eventually(async () => assert.equal(await count(postgres, 'outbox'), 0))
  const numbers = (await bench.records(topic))
    .filter(r => r.key === 'glass:late')
    .map(r => JSON.parse(String(r.value)).number)
  t.same(
    numbers,
    Array.from({ length: 12 }, (_, i) => i + 1),
  )
})

test('while Kafka is out of reach writes commit, and drain in order afterwards', async t => {
  const bench = await openBar(t)
  const { postgres, kafka } = bench
  let isDown = true
  const flaky: Kafka = {
    ...kafka,
    send: (...args) => (isDown ? Promise.reject(new Error('down')) : kafka.send(...args)),
  }
  startRelay(t, bench, flaky)
  for (let number = 1; number <= 20; number += 1) await pour(postgres, 'g', number)
  t.equal(await count(postgres, 'outbox'), 20)
  isDown = false
  await eventually(async () => assert.equal(await count(postgres, 'outbox'), 0), {
    timeoutMs: 15_000,
  })
  const numbers = (await bench.records(topic)).map(r => JSON.parse(String(r.value)).number)
  t.same(
    numbers,
    Array.from({ length: 20 }, (_, i) => i + 1),
  )
})

test('an event delivered twice is applied once', async t => {
  const bench = await openBar(t)
  const { postgres, kafka } = bench
  startRelay(t, bench)
  startConsumer(t, bench, ({ tx, event }) => addUp(tx, event.data.glassId, event.data.number))
  await pour(postgres, 'g', 5)
  await eventually(async () => assert.deepEqual(await sums(postgres), { g: 5 }))
  const [record] = await bench.records(topic)
  t.ok(record)
  if (record === undefined) return
  await repeat(kafka, record)
  await pour(postgres, 'g', 7)
  await eventually(async () => assert.deepEqual(await sums(postgres), { g: 12 }))
  t.equal(await count(postgres, 'inbox'), 2)
})

test('a poison event parks its key in order while all other keys flow', async t => {
  const bench = await openBar(t)
  const { postgres } = bench
  startRelay(t, bench)
  for (let number = 1; number <= 5; number += 1) await pour(postgres, 'bad', number)
  for (let g = 0; g < 40; g += 1) await pour(postgres, `good${g}`, 1)
  startConsumer(t, bench, async ({ tx, event }) => {
    if (event.data.glassId === 'bad' && event.data.number === 2) throw new TypeError('poison')
    await addUp(tx, event.data.glassId, event.data.number)
  })
  await eventually(async () => assert.equal(Object.keys(await sums(postgres)).length, 41), {
    timeoutMs: 15_000,
  })
  t.equal((await sums(postgres))['bad'], 1, 'what came before the poison is applied')
  await eventually(async () => {
    const { rows } = await postgres.read(tx =>
      tx.execute<{ aggregate_version: number; error_class: string }>(
        sql`select aggregate_version, error_class from parked_event order by record_offset`,
      ),
    )
    assert.deepEqual(
      rows.map(row => [row.aggregate_version, row.error_class]),
      [
        [2, 'TypeError'],
        [3, 'behind'],
        [4, 'behind'],
        [5, 'behind'],
      ],
    )
  })
})

test('whatever a fetch has brought, of all partitions, is applied in one transaction', async t => {
  const bench = await openBar(t)
  const { postgres } = bench
  startRelay(t, bench)
  for (let g = 0; g < 60; g += 1) await pour(postgres, `g${g}`, g)
  await eventually(async () => assert.equal(await count(postgres, 'outbox'), 0))
  const transactions = new Set<unknown>()
  startConsumer(t, bench, async ({ tx, event }) => {
    const { rows } = await tx.execute<{ id: string }>(sql`select txid_current()::text as id`)
    transactions.add(rows[0]?.id)
    await addUp(tx, event.data.glassId, event.data.number)
  })
  await eventually(async () => assert.equal(Object.keys(await sums(postgres)).length, 60))
  t.ok(transactions.size <= 3, `${transactions.size} transactions for 60 events of 12 partitions`)
})

test('bytes that are no event are parked under their key and the partition goes on', async t => {
  const bench = await openBar(t)
  const { postgres, kafka } = bench
  startRelay(t, bench)
  await kafka.send(topic, murmur2('glass:g') % 12, [
    { key: 'glass:x', value: '{', headers: {}, timestamp: new Date() },
  ])
  await pour(postgres, 'g', 3)
  startConsumer(t, bench, ({ tx, event }) => addUp(tx, event.data.glassId, event.data.number))
  await eventually(async () => assert.deepEqual(await sums(postgres), { g: 3 }))
  const { rows } = await postgres.read(tx =>
    tx.execute(sql`select aggregate_key, error_class from parked_event`),
  )
  t.same(rows, [{ aggregate_key: 'glass:x', error_class: 'UnreadableRecord' }])
})

test('a transient error pauses the partition and the event is applied later, never parked', async t => {
  const bench = await openBar(t)
  const { postgres } = bench
  startRelay(t, bench)
  let failures = 2
  startConsumer(t, bench, async ({ tx, event }) => {
    failures -= 1
    if (failures >= 0) throw Object.assign(new Error('gone'), { code: 'ECONNRESET' })
    await addUp(tx, event.data.glassId, event.data.number)
  })
  await pour(postgres, 'g', 1)
  await eventually(async () => assert.deepEqual(await sums(postgres), { g: 1 }), {
    timeoutMs: 20_000,
  })
  const { rows } = await postgres.read(tx => tx.execute(sql`select from parked_event`))
  t.equal(rows.length, 0)
})

test('a handler that rejects with undefined or never settles is parked and consuming goes on', async t => {
  const bench = await openBar(t)
  const { postgres } = bench
  startRelay(t, bench)
  const wokenUp = Promise.withResolvers<void>()
  let attempts = 0
  startConsumer(t, bench, async ({ tx, event }) => {
    const { glassId, number } = event.data
    // oxlint-disable-next-line prefer-promise-reject-errors
    if (glassId === 'undefined') await Promise.reject()
    if (glassId === 'sleeper') {
      attempts += 1
      await wokenUp.promise
    }
    await addUp(tx, glassId, number)
  })
  await pour(postgres, 'undefined', 1)
  await pour(postgres, 'g', 1)
  await eventually(async () => assert.equal((await sums(postgres))['g'], 1))
  await pour(postgres, 'sleeper', 1)
  await eventually(
    async () => {
      const { rows } = await postgres.read(tx =>
        tx.execute(sql`select aggregate_key from parked_key order by aggregate_key`),
      )
      assert.deepEqual(rows, [
        { aggregate_key: 'glass:sleeper' },
        { aggregate_key: 'glass:undefined' },
      ])
    },
    { timeoutMs: 40_000 },
  )
  t.equal(attempts, 5)
  // What was given up wakes up: its connection is gone, so it can write nothing.
  wokenUp.resolve()
  await pour(postgres, 'h', 1)
  await eventually(async () => assert.equal((await sums(postgres))['h'], 1))
  t.equal((await sums(postgres))['sleeper'], undefined)
})
