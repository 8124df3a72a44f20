import assert from 'node:assert/strict'
import { eventually } from '@campus/platform/testing/eventually'
import { test } from 'tap'
import { CliError } from '../cli-error.ts'
import { listConsumers } from './consumers/ls.ts'
import { resumeConsumer } from './consumers/resume.ts'
import { acknowledge } from './parked/ack.ts'
import { discardEvents } from './parked/discard.ts'
import { listParked } from './parked/ls.ts'
import { retryKeys } from './parked/retry.ts'
import { showKey } from './parked/show.ts'
import { createBench } from './test-bench.ts'

const consumer = 'orders.assortment'

test('the parking place', async t => {
  const bench = await createBench(t, { services: ['orders'] })
  const { operation } = bench
  const versionsOf = async (key: string, status: string) => {
    const rows = await bench.query(`select aggregate_version as v from orders.parked_event
      where aggregate_key = '${key}' and status = '${status}' order by 1`)
    return rows.map(row => row['v'])
  }
  /** Parks versions 2 to 4 of a key: one that failed, two behind it. */
  async function parkThree(key: string, replays = 0): Promise<void> {
    await bench.query(`
      insert into orders.seen_version values ('${consumer}', 'campus.catalog', '${key}', 1);
      insert into orders.parked_key (consumer, topic, aggregate_key)
        values ('${consumer}', 'campus.catalog', '${key}');
      insert into orders.parked_event (id, consumer, event_id, aggregate_key, aggregate_version, topic,
        partition, record_offset, type, payload, headers, error_class, error, replay_count)
      select gen_random_uuid(), '${consumer}', gen_random_uuid(), '${key}', n, 'campus.catalog', 0,
        n + abs(hashtext('${key}')::bigint), 'catalog.product_updated.v1', '{"n":1}', '{}',
        case n when 2 then 'TypeError' else 'behind' end, 'ada@campus.example said no',
        case n when 2 then ${replays} else 0 end
      from generate_series(2, 4) n`)
  }
  const codeOf = (error: unknown) => (error instanceof CliError ? error.exitCode : error)

  await t.test('ls tells what is in front of each key, without addresses', async t => {
    await parkThree('product:a')
    t.equal(await listParked(operation, {}), 0)
    t.match(bench.printed(), [
      { consumer, key: 'product:a', events: 3, class: 'TypeError', error: '<address> said no' },
    ])
    await listParked(operation, { class: 'gap' })
    t.same(bench.printed(), [])
  })

  await t.test('show tells of every event in order', async t => {
    t.equal(await showKey(operation, { consumer, key: 'product:a' }, {}), 0)
    t.match(bench.printed(), [
      { version: 2, class: 'TypeError', data: { n: 1 } },
      { version: 3, class: 'behind' },
      { version: 4 },
    ])
    const nobody = await showKey(operation, { consumer, key: 'product:z' }, {}).catch(codeOf)
    t.equal(nobody, 2)
  })

  await t.test('a dry run of discard changes nothing', async t => {
    const options = { reason: 'a test', dryRun: true }
    t.equal(await discardEvents(operation, { consumer, key: 'product:a' }, options), 0)
    t.match(bench.printed(), [{ would: 'discard', version: 2, behind: 2 }])
    t.same(await versionsOf('product:a', 'parked'), [2, 3, 4])
  })

  await t.test('discard gives up the event in front and asks for what is behind it', async t => {
    await discardEvents(
      operation,
      { consumer, key: 'product:a' },
      { reason: 'broken at its source' },
    )
    bench.printed()
    t.same(await versionsOf('product:a', 'discarded'), [2])
    t.match(
      await bench.query(`select s.version, k.retry_requested_at is not null as asked,
          e.settle_reason, e.settled_by is not null as settled
        from orders.seen_version s join orders.parked_key k using (consumer, topic, aggregate_key)
        join orders.parked_event e using (consumer, topic, aggregate_key)
        where s.aggregate_key = 'product:a' and e.status = 'discarded'`),
      [{ version: 2, asked: true, settle_reason: 'broken at its source', settled: true }],
    )
  })

  await t.test(
    'discard without a reason, and of an event that is not in front, is refused',
    async t => {
      const key = { consumer, key: 'product:a' }
      t.equal(await discardEvents(operation, key, { reason: ' ' }).catch(codeOf), 4)
      const wrong = { reason: 'a test', eventId: '01234567-89ab-7def-8123-456789abcdef' }
      t.equal(await discardEvents(operation, key, wrong).catch(codeOf), 4)
    },
  )

  await t.test('discard of the whole key frees it', async t => {
    await discardEvents(
      operation,
      { consumer, key: 'product:a' },
      { reason: 'not needed', wholeKey: true },
    )
    bench.printed()
    t.same(await versionsOf('product:a', 'parked'), [])
    t.same(await bench.query('select aggregate_key from orders.parked_key'), [])
    t.match(
      await bench.query(
        `select version from orders.seen_version where aggregate_key = 'product:a'`,
      ),
      [{ version: 4 }],
    )
  })

  await t.test('retry asks the service and tells what it does', async t => {
    await parkThree('product:b')
    const retrying = retryKeys(operation, { consumer, key: 'product:b' }, {})
    // What the service does, event by event.
    await eventually(async () => {
      const rows = await bench.query(
        'select from orders.parked_key where retry_requested_at is not null',
      )
      assert.equal(rows.length, 1)
    })
    await bench.query(`update orders.parked_event set status = 'retried' where aggregate_key = 'product:b';
      delete from orders.parked_key where aggregate_key = 'product:b'`)
    t.equal(await retrying, 0)
    t.match(bench.printed(), [
      { version: 2, outcome: 'retried' },
      { version: 3, outcome: 'retried' },
      { version: 4, outcome: 'retried' },
    ])
  })

  await t.test('retry tells the error when an event fails again', async t => {
    await parkThree('product:c')
    const retrying = retryKeys(operation, { consumer, key: undefined }, { all: true })
    await eventually(async () => {
      const rows = await bench.query(
        'select from orders.parked_key where retry_requested_at is not null',
      )
      assert.equal(rows.length, 1)
    })
    await bench.query(`update orders.parked_event set error = 'still no', replay_count = 1
        where aggregate_key = 'product:c' and aggregate_version = 2;
      update orders.parked_key set retry_requested_at = null where aggregate_key = 'product:c'`)
    t.equal(await retrying, 3)
    t.match(bench.printed(), [
      { key: 'product:c', version: 2, outcome: 'failed again', error: 'still no' },
    ])
  })

  await t.test('retry says that the service is down, and leaves the request', async t => {
    const hasty = { ...operation, timeoutMs: 300 }
    t.equal(await retryKeys(hasty, { consumer, key: 'product:c' }, {}), 3)
    t.match(bench.warned.at(-1), /seems to be down/)
    const rows = await bench.query(
      'select from orders.parked_key where retry_requested_at is not null',
    )
    t.equal(rows.length, 1)
  })

  await t.test('an event that has failed three retries is refused', async t => {
    await parkThree('product:d', 3)
    t.equal(await retryKeys(operation, { consumer, key: 'product:d' }, {}).catch(codeOf), 4)
    const gap = { acceptGap: true }
    t.equal(await retryKeys(operation, { consumer, key: 'product:c' }, gap).catch(codeOf), 4)
  })

  await t.test('ack silences a key and undo lets it alert again', async t => {
    const silenced = async () => {
      const rows = await bench.query(
        'select from orders.parked_key where acknowledged_by is not null',
      )
      return rows.length
    }
    await acknowledge(operation, { consumer, key: 'product:d' }, { dryRun: true })
    t.equal(await silenced(), 0)
    await acknowledge(operation, { consumer, key: undefined }, { all: true })
    t.equal(await silenced(), 2)
    await acknowledge(operation, { consumer, key: 'product:d' }, { undo: true })
    t.equal(await silenced(), 1)
    t.equal(await acknowledge(operation, { consumer, key: undefined }, {}).catch(codeOf), 1)
    t.equal(await acknowledge(operation, { consumer: 'nobody.x', key: 'a' }, {}).catch(codeOf), 1)
    bench.printed()
  })

  await t.test('a consumer that has stopped itself goes on when it is told to', async t => {
    await bench.query(`insert into orders.consumer_state (consumer, stopped_at, stop_reason)
      values ('${consumer}', now(), 'parked too much')`)
    await listConsumers(operation)
    t.match(bench.printed(), [
      { consumer, state: 'stopped', reason: 'parked too much', parkedKeys: 2 },
    ])
    t.equal(await resumeConsumer(operation, consumer, {}), 0)
    t.equal(await resumeConsumer(operation, consumer, {}).catch(codeOf), 2)
    bench.printed()
    await listConsumers(operation)
    t.match(bench.printed(), [{ consumer, state: 'consuming' }])
  })
})
