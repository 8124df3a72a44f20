import assert from 'node:assert/strict'
import { header } from '@campus/contracts/envelope'
import { sql } from 'drizzle-orm'
import { t as file, test } from 'tap'
import { onCommit, type Tx } from '../data/postgres.ts'
import { eventually } from '../testing/eventually.ts'
import type { IncomingRecord } from './kafka-record.ts'
import { murmur2 } from './murmur2.ts'
import {
  addUp,
  type Bar,
  count,
  openBar,
  type Pour,
  parked,
  pour,
  repeat,
  requestRetry,
  startConsumer,
  startRelay,
  sums,
  topic,
  wash,
} from './test-bench.ts'

file.setTimeout(150_000)
file.jobs = 3

/** Notes the order in which the ledger applies the drinks of a glass. */
function ledger(isPoison: (number: number) => boolean = () => false) {
  const applied: Record<string, number[]> = {}
  async function handle({ tx, event: { data } }: Pour): Promise<void> {
    if (data.glassId === 'bad' && isPoison(data.number)) throw new TypeError('poison')
    await addUp(tx, data.glassId, data.number)
    onCommit(tx, () => {
      applied[data.glassId] = [...(applied[data.glassId] ?? []), data.number]
    })
  }
  return { applied, handle }
}

async function released(bar: Bar): Promise<void> {
  await eventually(
    async () => {
      const { rows } = await bar.postgres.read(tx => tx.execute(sql`select from parked_key`))
      assert.equal(rows.length, 0)
    },
    { timeoutMs: 15_000 },
  )
}

/** Publishes the drinks of one glass without the relay, in any order and with any left out. */
async function record(bar: Bar, glassId: string, count_: number): Promise<IncomingRecord[]> {
  for (let number = 1; number <= count_; number += 1) await pour(bar.postgres, glassId, number)
  const { rows } = await bar.postgres.transaction((tx: Tx) =>
    tx.execute<{ payload: string; headers: Record<string, string>; aggregate_version: number }>(
      sql`with gone as (delete from outbox returning *)
        select payload::text as payload, headers, aggregate_version from gone order by seq`,
    ),
  )
  return rows.map(row => ({
    topic,
    partition: murmur2(`glass:${glassId}`) % 12,
    offset: -1n,
    key: `glass:${glassId}`,
    value: Buffer.from(row.payload),
    headers: { ...row.headers, [header.version]: String(row.aggregate_version) },
    timestamp: new Date(),
  }))
}

async function publish(bar: Bar, ...records: readonly (IncomingRecord | undefined)[]) {
  for (const one of records) if (one !== undefined) await repeat(bar.kafka, one)
}

test('F9: event 2 of 5 is poison: 2 to 5 are parked, 999 other keys flow, and a retry applies 2, 3, 4, 5', async t => {
  const bar = await openBar(t)
  const { postgres } = bar
  let isMended = false
  const { applied, handle } = ledger(number => number === 2 && !isMended)
  for (let number = 1; number <= 5; number += 1) await pour(postgres, 'bad', number)
  await postgres.transaction(async tx => {
    await tx.execute(sql`
      insert into outbox (event_id, topic, lane, aggregate_key, aggregate_version, type, payload, headers)
      select overlay(gen_random_uuid()::text placing left(o.event_id::text, 8) from 1 for 8)::uuid,
        o.topic, abs(hashtext(n::text)) % 12, 'glass:g' || n, 1, o.type,
        jsonb_build_object('glassId', 'g' || n, 'number', n), o.headers
      from (select * from outbox order by seq limit 1) o, generate_series(1, 999) n`)
    await tx.execute(sql`
      update outbox set headers = headers || jsonb_build_object(
        'ce_id', event_id::text, 'ce_partitionkey', aggregate_key,
        'ce_subject', substr(aggregate_key, 7))`)
  })
  startRelay(t, bar)
  startConsumer(t, bar, handle)
  await eventually(
    async () => assert.equal(Object.keys(await sums(postgres)).length, 1_000, 'others flow'),
    { timeoutMs: 30_000 },
  )
  await eventually(async () =>
    assert.deepEqual(await parked(postgres), [
      [2, 'TypeError', 'parked'],
      [3, 'behind', 'parked'],
      [4, 'behind', 'parked'],
      [5, 'behind', 'parked'],
    ]),
  )
  t.same(applied['bad'], [1])

  await requestRetry(postgres)
  await eventually(async () => {
    const { rows } = await postgres.read(tx =>
      tx.execute(sql`select from parked_key where retry_requested_at is null`),
    )
    assert.equal(rows.length, 1, 'a retry that fails is taken back')
  })
  t.same(applied['bad'], [1], 'and has changed nothing')

  isMended = true
  await requestRetry(postgres)
  await released(bar)
  t.same(applied['bad'], [1, 2, 3, 4, 5])
  t.same(
    (await parked(postgres)).map(([, , status]) => status),
    ['retried', 'retried', 'retried', 'retried'],
  )
  await pour(postgres, 'bad', 6)
  await eventually(async () => assert.equal((await sums(postgres))['bad'], 21))
})

test('a version that was lost on the wire parks the aggregate, and its arrival releases it in order', async t => {
  const bar = await openBar(t)
  const { applied, handle } = ledger()
  const [first, second, third, fourth] = await record(bar, 'g', 4)
  startConsumer(t, bar, handle)
  await publish(bar, first, third, fourth)
  await eventually(async () =>
    assert.deepEqual(await parked(bar.postgres), [
      [3, 'gap', 'parked'],
      [4, 'behind', 'parked'],
    ]),
  )
  t.same(applied['g'], [1])
  await publish(bar, second)
  await released(bar)
  t.same(applied['g'], [1, 2, 3, 4])
  await publish(bar, second, third)
  await pour(bar.postgres, 'g', 5)
  startRelay(t, bar)
  await eventually(async () => assert.deepEqual(applied['g'], [1, 2, 3, 4, 5]))
})

test('a version that will never come can be passed over by an operator, and is late if it comes after all', async t => {
  const bar = await openBar(t)
  const { applied, handle } = ledger()
  const [first, second, third] = await record(bar, 'g', 3)
  startConsumer(t, bar, handle)
  await publish(bar, first, third)
  await eventually(async () => assert.deepEqual(await parked(bar.postgres), [[3, 'gap', 'parked']]))
  await requestRetry(bar.postgres)
  await eventually(async () => {
    const { rows } = await bar.postgres.read(tx =>
      tx.execute(sql`select from parked_key where retry_requested_at is null`),
    )
    assert.equal(rows.length, 1, 'without a decision the gap stays')
  })
  await requestRetry(bar.postgres, true)
  await released(bar)
  t.same(applied['g'], [1, 3])
  await publish(bar, second)
  await eventually(async () =>
    assert.deepEqual(await parked(bar.postgres), [
      [2, 'late', 'parked'],
      [3, 'gap', 'retried'],
    ]),
  )
})

test('an event that nobody handles is no gap, and its loss is one', async t => {
  const bar = await openBar(t)
  const { applied, handle } = ledger()
  const relay = startRelay(t, bar)
  await pour(bar.postgres, 'g', 1)
  await wash(bar.postgres, 'g')
  await pour(bar.postgres, 'g', 3)
  startConsumer(t, bar, handle)
  await eventually(async () => assert.deepEqual(applied['g'], [1, 3]))
  t.same(await parked(bar.postgres), [])
  await eventually(async () => assert.equal(await count(bar.postgres, 'outbox'), 0))
  await relay.stop()

  await wash(bar.postgres, 'g')
  await bar.postgres.read(tx => tx.execute(sql`delete from outbox`))
  startRelay(t, bar)
  await pour(bar.postgres, 'g', 5)
  await eventually(async () => assert.deepEqual(await parked(bar.postgres), [[5, 'gap', 'parked']]))
})

test('live events wait behind a key while it is retried, and none is lost when it is released', async t => {
  const bar = await openBar(t)
  const { postgres } = bar
  let isMended = false
  const { applied, handle } = ledger(() => !isMended)
  startRelay(t, bar)
  startConsumer(t, bar, handle)
  await pour(postgres, 'bad', 1)
  await eventually(async () => assert.equal((await parked(postgres)).length, 1))
  const pouring = (async () => {
    for (let number = 2; number <= 150; number += 1) await pour(postgres, 'bad', number)
  })()
  isMended = true
  await requestRetry(postgres)
  await pouring
  await eventually(async () => assert.equal(applied['bad']?.length, 150), { timeoutMs: 30_000 })
  t.same(
    applied['bad'],
    Array.from({ length: 150 }, (_, i) => i + 1),
  )
  await released(bar)
})

test('what was discarded is not applied, and the events behind it go on by themselves', async t => {
  const bar = await openBar(t)
  const { postgres } = bar
  const { applied, handle } = ledger(number => number === 1)
  startRelay(t, bar)
  startConsumer(t, bar, handle)
  for (let number = 1; number <= 3; number += 1) await pour(postgres, 'bad', number)
  await eventually(async () => assert.equal((await parked(postgres)).length, 3))
  // What `campus parked discard` writes.
  await postgres.transaction(async tx => {
    await tx.execute(sql`update parked_event set status = 'discarded' where aggregate_version = 1`)
    await tx.execute(sql`insert into seen_version (consumer, topic, aggregate_key, version)
      values ('bar.ledger', ${topic}, 'glass:bad', 1)`)
  })
  await released(bar)
  t.same(applied['bad'], [2, 3])
})

test('a consumer that parks too much stops with the world as it was, until an operator resumes it', async t => {
  const bar = await openBar(t)
  const { postgres } = bar
  let isMended = false
  startRelay(t, bar)
  startConsumer(t, bar, async ({ tx, event: { data } }) => {
    if (!isMended) throw new TypeError('a release with a bug')
    await addUp(tx, data.glassId, data.number)
  })
  for (let n = 0; n < 80; n += 1) await pour(postgres, `g${n}`, 1)
  const stops = () =>
    postgres.read(tx =>
      tx.execute<{ reason: string }>(
        sql`select stop_reason as reason from consumer_state where stopped_at is not null`,
      ),
    )
  await eventually(async () => assert.equal((await stops()).rows.length, 1), { timeoutMs: 20_000 })
  const before = (await parked(postgres)).length
  t.ok(before >= 20 && before < 60, `${before} of 80 parked, the others wait`)
  isMended = true
  await postgres.read(tx =>
    tx.execute(sql`update consumer_state set stopped_at = null, stop_reason = null`),
  )
  await eventually(
    async () => {
      // An event that was in work at the stop may have been parked after it.
      await requestRetry(postgres)
      assert.equal(Object.keys(await sums(postgres)).length, 80)
    },
    { timeoutMs: 20_000, everyMs: 500 },
  )
  await released(bar)
})
