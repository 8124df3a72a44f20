import assert from 'node:assert/strict'
import { defineEvent, header, upcast } from '@campus/contracts/envelope'
import { sql } from 'drizzle-orm'
import { t as file, test } from 'tap'
import { Type } from 'typebox'
import { eventually } from '../testing/eventually.ts'
import { on } from './consumer.ts'
import { enqueueEffect } from './effects.ts'
import { emit } from './outbox.ts'
import {
  addUp,
  type Bar,
  count,
  openBar,
  type Pour,
  parked,
  pour,
  poured,
  startConsumer,
  startRelay,
  sums,
  topic,
} from './test-bench.ts'

file.setTimeout(120_000)
file.jobs = 3

async function addPour({ tx, event: { data } }: Pour): Promise<void> {
  await addUp(tx, data.glassId, data.number)
}

async function published(bar: Bar): Promise<void> {
  await eventually(async () => assert.equal(await count(bar.postgres, 'outbox'), 0))
}

/** Changes the past: events of this bar were emitted so long ago. */
async function age(bar: Bar, interval: string): Promise<void> {
  await bar.postgres.read(tx =>
    tx.execute(sql`update outbox set created_at = now() - ${interval}::interval`),
  )
}

test('F13: an inbox that remembers less than a topic keeps refuses to start and says what to set', async t => {
  const bar = await openBar(t, { config: { 'retention.ms': String(30 * 86_400_000) } })
  const refused = startConsumer(t, bar, addPour, { inboxDays: 1 })
  await eventually(() => assert.equal(refused.crashes.length, 1))
  t.match(refused.crashes[0]?.message, /set INBOX_RETENTION_DAYS to at least 37/)
  t.notOk(refused.isRunning())
  const enough = startConsumer(t, bar, addPour, { inboxDays: 37 })
  await eventually(() => assert.ok(enough.isRunning()), { timeoutMs: 15_000 })
})

test('a new consumer builds its state from the past, and nobody is told of old events again', async t => {
  const bar = await openBar(t)
  const { postgres } = bar
  await pour(postgres, 'old', 1)
  await age(bar, '2 hours')
  await pour(postgres, 'young', 2)
  startRelay(t, bar)
  await published(bar)
  startConsumer(t, bar, async pouring => {
    await addPour(pouring)
    const { glassId } = pouring.event.data
    enqueueEffect(pouring.tx, { kind: 'mail', dedupeKey: glassId, payload: {} })
  })
  await eventually(async () => assert.deepEqual(await sums(postgres), { old: 1, young: 2 }))
  const effects = async () => {
    const { rows } = await postgres.read(tx =>
      tx.execute<{ dedupe_key: string; state: string }>(sql`select dedupe_key, state from effect`),
    )
    return Object.fromEntries(rows.map(row => [row.dedupe_key, row.state]))
  }
  await eventually(async () => {
    const { rows } = await postgres.read(tx =>
      tx.execute(sql`select from consumer_state where bootstrapped_at is not null`),
    )
    assert.equal(rows.length, 1, 'it has caught up')
  })
  await pour(postgres, 'late', 3)
  await age(bar, '2 hours')
  await eventually(async () =>
    assert.deepEqual(await effects(), { old: 'suppressed', young: 'pending', late: 'pending' }),
  )
})

test('a new consumer that lives in the present begins at its birth', async t => {
  const bar = await openBar(t)
  startRelay(t, bar)
  await pour(bar.postgres, 'g', 1)
  await pour(bar.postgres, 'g', 2)
  await published(bar)
  const consumer = startConsumer(t, bar, addPour, { onBootstrap: 'live' })
  await eventually(() => assert.ok(consumer.isRunning()), { timeoutMs: 15_000 })
  await pour(bar.postgres, 'g', 30)
  await eventually(async () => assert.deepEqual(await sums(bar.postgres), { g: 30 }))
  t.same(await parked(bar.postgres), [], 'the first version it sees is its baseline')
})

test('a consumer that is added to a running group is refused, and welcome in a group of its own', async t => {
  const bar = await openBar(t)
  startRelay(t, bar)
  await pour(bar.postgres, 'g', 1)
  const first = startConsumer(t, bar, addPour)
  await eventually(async () => assert.deepEqual(await sums(bar.postgres), { g: 1 }))
  await first.stop()

  const { crashes } = startConsumer(t, bar, addPour, { name: 'bar.second' })
  await eventually(() => assert.equal(crashes.length, 1))
  t.match(crashes[0]?.message, /Give the consumer a group of its own/)
  startConsumer(t, bar, addPour, { name: 'bar.second', group: 'second' })
  await eventually(async () => assert.deepEqual(await sums(bar.postgres), { g: 2 }))
})

test('lost offsets make nothing happen twice', async t => {
  const bar = await openBar(t)
  startRelay(t, bar)
  for (let n = 1; n <= 20; n += 1) await pour(bar.postgres, `g${n % 3}`, n)
  const first = startConsumer(t, bar, addPour)
  const total = (all: Record<string, number>) => Object.values(all).reduce((a, b) => a + b, 0)
  await eventually(async () => assert.equal(total(await sums(bar.postgres)), 210))
  await first.stop()
  // Whoever loses the offsets of a group sees the same as a group of another name.
  startConsumer(t, bar, addPour, { group: 'without-offsets' })
  await pour(bar.postgres, 'g0', 1_000)
  await eventually(async () => assert.equal(total(await sums(bar.postgres)), 1_210))
  t.same(await parked(bar.postgres), [])
})

test('after lost offsets an event that is older than the inbox counts as applied', async t => {
  const bar = await openBar(t)
  const { postgres } = bar
  startRelay(t, bar)
  await postgres.read(tx =>
    tx.execute(sql`insert into consumer_state (consumer, born_at, bootstrapped_at)
      values ('bar.ledger', '{}', now())`),
  )
  await postgres.transaction(async tx => {
    await tx.execute(sql`
      insert into outbox (event_id, topic, lane, aggregate_key, aggregate_version, type, payload, headers)
      select id, ${topic}, 0, 'glass:old', 1, ${poured.type}, '{"glassId":"old","number":1}',
        jsonb_build_object(${header.id}::text, id::text, ${header.type}::text, ${poured.type}::text,
          ${header.key}::text, 'glass:old')
      from (select (lpad(to_hex(((extract(epoch from now()) - 40 * 86400) * 1000)::bigint), 12, '0')
        || '7' || repeat('0', 19))::uuid as id) old`)
  })
  await pour(postgres, 'g', 2)
  await published(bar)
  startConsumer(t, bar, addPour)
  await eventually(async () => assert.deepEqual(await sums(postgres), { g: 2 }))
  // The two glasses are on two partitions, which come in any order.
  await eventually(async () =>
    assert.match(
      await bar.metrics.render(),
      /inbox_below_floor_total\{consumer="bar.ledger".*\} 1/,
    ),
  )
  t.same(await sums(postgres), { g: 2 })
})

test('a v1 event of the past is read as v2 by its upcaster, also after the producer has switched', async t => {
  const bar = await openBar(t)
  const { postgres } = bar
  const pouredTwo = defineEvent({
    type: 'bar.drink_poured.v2',
    aggregate: 'glass',
    subject: 'glassId',
    schema: Type.Object({
      glassId: Type.String(),
      millilitres: Type.Integer(),
      drink: Type.String(),
    }),
    example: { glassId: 'g', millilitres: 250, drink: 'water' },
    upcast: upcast(poured, ({ glassId, number }) => ({
      glassId,
      millilitres: number * 10,
      drink: 'unknown',
    })),
  })
  startRelay(t, bar)
  await pour(postgres, 'g', 25)
  await postgres.transaction(async tx =>
    emit(tx, pouredTwo.of({ glassId: 'g', millilitres: 33, drink: 'tea' })),
  )
  const drinks: string[] = []
  startConsumer(t, bar, addPour, {
    handlers: [
      on(pouredTwo, async ({ tx, event }) => {
        drinks.push(`${event.type} ${event.data.drink}`)
        await addUp(tx, event.data.glassId, event.data.millilitres)
      }),
    ],
  })
  await eventually(async () => assert.deepEqual(await sums(postgres), { g: 283 }))
  t.same(new Set(drinks), new Set(['bar.drink_poured.v2 unknown', 'bar.drink_poured.v2 tea']))
})

test('a major version that this build does not know is parked, not skipped', async t => {
  const bar = await openBar(t)
  const { postgres } = bar
  const pouredNine = defineEvent({
    type: 'bar.drink_poured.v9',
    aggregate: 'glass',
    subject: 'glassId',
    schema: Type.Object({ glassId: Type.String() }),
    example: { glassId: 'g' },
  })
  startRelay(t, bar)
  await postgres.transaction(async tx => emit(tx, pouredNine.of({ glassId: 'g' })))
  await pour(postgres, 'h', 1)
  startConsumer(t, bar, addPour)
  await eventually(async () => assert.deepEqual(await sums(postgres), { h: 1 }))
  await eventually(async () =>
    assert.deepEqual(await parked(postgres), [[1, 'UnreadableRecord', 'parked']]),
  )
})
