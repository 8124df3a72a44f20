import assert from 'node:assert/strict'
import { header } from '@campus/contracts/envelope'
import { eventually } from '@campus/platform/testing/eventually'
import { test } from 'tap'
import { CliError } from '../cli-error.ts'
import { findEvents } from './events/grep.ts'
import { listTopics } from './events/ls.ts'
import { showEvent } from './events/show.ts'
import { followEvents } from './events/tail.ts'
import { traceStory } from './events/trace.ts'
import { compare } from './reconcile/reconcile.ts'
import { createBench } from './test-bench.ts'
import { createTopics } from './topics/apply.ts'
import { compareTopics } from './topics/verify.ts'

const codeOf = (error: unknown) => (error instanceof CliError ? error.exitCode : error)

/** A UUIDv7 of a moment, told apart by `n`. */
function idOf(at: Date, n: number): string {
  const hex = at.getTime().toString(16).padStart(12, '0')
  return `${hex.slice(0, 8)}-${hex.slice(8)}-7000-8000-${String(n).padStart(12, '0')}`
}

test('events, topics and what was lost between them', async t => {
  const bench = await createBench(t, { services: ['orders', 'catalog'], withKafka: true })
  const { operation, kafka } = bench
  if (kafka === undefined) throw new Error('The bench has no Kafka.')
  const now = new Date()
  const hourAgo = new Date(now.getTime() - 3_600_000)
  const record = (at: Date, n: number, type: string, key: string) => ({
    key,
    timestamp: at,
    value: JSON.stringify({ n }),
    headers: {
      [header.id]: idOf(at, n),
      [header.type]: type,
      [header.key]: key,
      [header.version]: String(n),
      [header.correlationId]: 'story',
    },
  })
  const sent = [
    record(hourAgo, 1, 'orders.order_placed.v1', 'order:1'),
    record(hourAgo, 2, 'orders.order_confirmed.v1', 'order:1'),
    record(now, 3, 'orders.order_completed.v1', 'order:1'),
  ]
  await kafka.send('campus.orders', 5, sent)
  await kafka.send('campus.users.profiles', 0, [record(now, 9, 'users.profile_saved.v1', 'user:1')])

  await t.test('ls tells counts and times of every topic', async t => {
    t.equal(await listTopics(operation), 0)
    const rows = bench.printed()
    t.match(
      rows.find(row => row['topic'] === 'campus.orders'),
      { partitions: 12, records: '3', oldest: hourAgo.toISOString(), newest: now.toISOString() },
    )
    t.match(
      rows.find(row => row['topic'] === 'campus.payments'),
      { records: '0', oldest: null },
    )
  })

  await t.test(
    'grep finds by type, key, time and story, and says when nothing matches',
    async t => {
      const versions = () => bench.printed().map(row => row['version'])
      const limit = 100
      t.equal(await findEvents(operation, { type: 'orders.*.v1', limit }), 0)
      t.same(versions(), ['1', '2', '3'])
      await findEvents(operation, {
        key: 'order:1',
        since: new Date(now.getTime() - 60_000),
        limit,
      })
      t.same(versions(), ['3'])
      await findEvents(operation, { correlation: 'story', until: now, limit })
      t.same(versions(), ['1', '2'])
      await findEvents(operation, { limit: 1 })
      t.equal(versions().length, 1)
      t.equal(await findEvents(operation, { key: 'order:2', limit }), 2)
    },
  )

  await t.test('profiles are refused without a reason, which is printed', async t => {
    const topic = ['campus.users.profiles']
    t.equal(await findEvents(operation, { topic, limit: 9 }).catch(codeOf), 4)
    const silent = { topic, limit: 9, includePersonal: true }
    t.equal(await findEvents(operation, silent).catch(codeOf), 4)
    t.equal(await findEvents(operation, { ...silent, reason: 'ticket 7' }), 0)
    t.match(bench.printed(), [{ key: 'user:1' }])
    t.match(bench.warned.at(-1), /looks at personal data: ticket 7/)
    t.equal(await showEvent(operation, idOf(now, 9), {}).catch(codeOf), 4)
  })

  await t.test(
    'show finds an event by its id, with those that have applied or parked it',
    async t => {
      const id = idOf(hourAgo, 2)
      await bench.query(`
      insert into orders.inbox (event_id, consumer) values ('${id}', 'orders.checkout');
      insert into catalog.seen_version values ('catalog.stock', 'campus.orders', 'order:1', 1),
        ('catalog.deaf', 'campus.orders', 'order:1', 2), ('catalog.slow', 'campus.orders', 'order:1', 1);
      insert into catalog.parked_event (id, consumer, event_id, aggregate_key, topic, partition,
        record_offset, headers, error_class, error)
      values ('${id}', 'catalog.stock', '${id}', 'order:1', 'campus.orders', 5, 1, '{}', 'TypeError', 'no')`)
      t.equal(await showEvent(operation, id, {}), 0)
      t.match(bench.printed(), [
        {
          topic: 'campus.orders',
          partition: 5,
          offset: '1',
          state: 'on the topic',
          envelope: { [header.version]: '2' },
          data: { n: 2 },
          consumers: [
            { consumer: 'catalog.deaf', outcome: 'does not hear it' },
            { consumer: 'catalog.slow', outcome: 'not seen yet' },
            { consumer: 'catalog.stock', outcome: 'parked', class: 'TypeError' },
            { consumer: 'orders.checkout', outcome: 'applied' },
          ],
        },
      ])
      t.equal(await showEvent(operation, idOf(now, 77), {}).catch(codeOf), 2)
      t.equal(await showEvent(operation, 'nonsense', {}).catch(codeOf), 1)
    },
  )

  await t.test('show finds an event that was published again behind its time', async t => {
    const old = record(
      new Date(now.getTime() - 7_200_000),
      4,
      'orders.order_cancelled.v1',
      'order:1',
    )
    await kafka.send('campus.orders', 5, [old])
    t.equal(await showEvent(operation, old.headers[header.id] ?? '', {}), 0)
    t.match(bench.printed(), [{ offset: '3', version: '4' }])
  })

  await t.test('tail prints what comes from now on', async t => {
    const following = followEvents(operation, { topic: ['campus.orders'] })
    // The tail needs a moment to begin, so it is given news until it prints some.
    let n = 100
    await eventually(
      async () => {
        n += 1
        await kafka.send('campus.orders', 5, [
          record(new Date(), n, 'orders.order_placed.v1', 'order:5'),
        ])
        const rows = bench.printed()
        assert.ok(rows.length > 0)
        assert.ok(rows.every(row => row['key'] === 'order:5'))
      },
      { everyMs: 200 },
    )
    bench.interrupt()
    t.equal(await following, 0)
    bench.printed()
  })
})

test('a story is told in time order, with its mails and without addresses', async t => {
  const bench = await createBench(t, { services: ['orders', 'notifications'] })
  const { operation } = bench
  const event = `00000000-0000-7000-8000-000000000001`
  await bench.query(`
    insert into orders.outbox_archive values (1, '${event}', 'campus.orders', 0, 'order:1', 1,
      'orders.order_confirmed.v1', '{}', '{"ce_correlationid":"story"}', '2026-01-01T00:00:00Z', now(), 0, 0);
    insert into notifications.inbox values ('${event}', 'notifications.news', '2026-01-01T00:00:00.025Z');
    insert into notifications.effect (id, kind, dedupe_key, payload, state, attempts, headers, created_at,
      updated_at)
    values ('${event}', 'mail', 'd', '{"to":"ada@campus.example"}', 'sent', 1,
      '{"correlationId":"story"}', '2026-01-01T00:00:00.030Z', '2026-01-01T00:00:00.060Z')`)
  t.equal(await traceStory(operation, 'story', {}), 0)
  const rows = bench.printed()
  t.match(rows, [
    { afterMs: 0, service: 'orders', subject: 'order:1 v1', outcome: 'notifications.news +25 ms' },
    { afterMs: 30, stepMs: 30, what: 'effect: mail', outcome: 'sent after 1 attempt, 30 ms' },
  ])
  t.notMatch(JSON.stringify(rows), /ada@/)
  t.equal(await traceStory(operation, 'unknown', {}).catch(codeOf), 2)
})

test('a loss between a source, its topic and its consumers is found', async t => {
  const bench = await createBench(t, { services: ['orders', 'catalog'], withKafka: true })
  const { operation, kafka } = bench
  const at = new Date(Date.now() - 600_000)
  const since = new Date(at.getTime() - 60_000)
  const options = { since, settle: 1 }

  await t.test('topics verify is content with the topics that apply makes', async t => {
    t.equal(await compareTopics(operation), 0)
    t.equal(await createTopics(operation, {}).catch(codeOf), 2, 'all of them exist')
  })

  await t.test('nothing published, nothing lost', async t => {
    t.equal(await compare(operation, undefined, options), 0)
    t.same(bench.printed(), [])
  })

  await t.test(
    'archived and not on the topic, on the topic and not archived, not seen',
    async t => {
      const [archived, foreign] = [idOf(at, 1), idOf(at, 2)]
      await bench.query(`
      insert into catalog.outbox_archive values (1, '${archived}', 'campus.catalog', 0, 'product:1', 1,
        'catalog.product_created.v1', '{}', '{}', '${at.toISOString()}', '${at.toISOString()}', 0, 0);
      insert into orders.seen_version values ('orders.assortment', 'campus.catalog', 'product:0', 1)`)
      const stranger = {
        key: 'product:2',
        value: '{}',
        timestamp: at,
        headers: { [header.id]: foreign },
      }
      await kafka?.send('campus.catalog', 0, [stranger])
      t.equal(await compare(operation, 'catalog', options), 1)
      t.match(bench.printed(), [
        {
          problem: 'not seen',
          consumer: 'orders.assortment',
          key: 'product:1',
          published: 1,
          seen: 0,
        },
        { problem: 'not on topic', id: archived },
        { problem: 'not archived', id: foreign },
      ])
    },
  )

  await t.test('what is parked is no loss', async t => {
    await bench.query(`
      insert into orders.parked_key (consumer, topic, aggregate_key)
        values ('orders.assortment', 'campus.catalog', 'product:1');
      delete from catalog.outbox_archive where aggregate_key = 'product:none'`)
    const later = { since: new Date(), settle: 1 }
    t.equal(await compare(operation, 'catalog', later), 3)
    t.match(bench.printed(), [{ problem: 'parked', key: 'product:1' }])
  })
})
