import assert from 'node:assert/strict'
import { eventually } from '@campus/platform/testing/eventually'
import { test } from 'tap'
import { CliError } from '../cli-error.ts'
import { checkInvariants, watchInvariants } from './audit/audit.ts'
import { checks } from './audit/round.ts'
import { createBench } from './test-bench.ts'

const services = ['orders', 'payments', 'catalog', 'users', 'notifications']
const id = (n: number) => `00000000-0000-7000-8000-${String(n).padStart(12, '0')}`

const order = (n: number, state: string, timerAt: string) => `
  insert into orders.orders (id, cart_id, user_id, state, timer_at, asked_at, currency, goods, discount,
    tax, shipping, total, placed_at, updated_at, correlation_id, progress)
  values ('${id(n)}', '${id(n)}', '${id(n)}', '${state}', ${timerAt}, now(), 'EUR', 5, 0, 0, 0, 5, now(),
    now() - interval '1 hour', 'c', '[]')`

/** Each breaks one invariant; the tables are filled as if a bug had done it. */
const breakages: Readonly<Record<string, string>> = {
  I1: `insert into payments.ledger_transaction values ('${id(1)}', 'capture', 's', 'order', '${id(1)}', now());
    insert into payments.posting values ('${id(1)}', 1, 'cash', 5, 'EUR')`,
  I2: `insert into payments.intent (id, ref_type, ref_id, user_id, amount, currency, state, expires_at,
      attempts_left, authorized, captured, correlation_id, created_at, updated_at)
    values ('${id(2)}', 'order', '${id(2)}', '${id(2)}', 5, 'EUR', 'captured', now(), 1, 5, 5, 'c', now(),
      now() - interval '1 hour')`,
  I3: `insert into catalog.reservation values ('${id(3)}', '${id(3)}', 'held', now(), null,
      now() - interval '1 hour')`,
  'I7.outbox': `insert into users.outbox (event_id, topic, lane, aggregate_key, aggregate_version, type,
      headers, created_at)
    values ('${id(4)}', 'campus.users', 0, 'user:1', 1, 'x', '{}', now() - interval '1 minute')`,
  'I7.parked': `insert into orders.parked_key (consumer, topic, aggregate_key)
    values ('orders.checkout', 'campus.payments', 'intent:1')`,
  I9: `insert into catalog.product (id, slug, title, kind, state, created_at, updated_at)
      values ('${id(5)}', 's', 't', 'physical', 'draft', now(), now());
    insert into catalog.variant values ('${id(5)}', '${id(5)}', 'S', 'l', true);
    insert into catalog.stock values ('${id(5)}', 5, 0)`,
  'I7.sagas': order(6, 'capturing', `now() - interval '1 hour'`),
  I10: order(7, 'confirmed', 'null'),
  I12: `insert into orders.promotion (id, code, name, action, conditions, used_count, created_at, updated_at)
    values ('${id(8)}', 'SUMMER', 's', '{}', '{}', 2, now(), now())`,
  I14: `insert into catalog.outbox_archive
    select n, gen_random_uuid(), 'campus.catalog', 0, 'product:1', n, 'x', '{}', '{}', now(),
      now() - interval '1 hour', 0, n from generate_series(1, 2) n;
    insert into orders.seen_version values ('orders.assortment', 'campus.catalog', 'product:1', 1)`,
  I15: `insert into orders.outbox_archive
    select n, gen_random_uuid(), 'campus.orders', 0, 'order:9', n, 'x', '{}', '{}', now(), now(), 0, n
    from unnest(array[1, 2, 2, 4]) n`,
}

test('the audit', async t => {
  const bench = await createBench(t, { services })
  const { operation } = bench
  const violated = () =>
    bench
      .printed()
      .filter(row => row['violations'] !== 0)
      .map(row => row['check'])

  await t.test('an empty mesh violates nothing', async t => {
    t.equal(await checkInvariants(operation, {}), 0)
    t.same(
      bench.printed().map(row => row['check']),
      checks.map(check => check.id),
    )
  })

  await t.test('each breakage is found, by its check', async t => {
    for (const [check, statement] of Object.entries(breakages)) {
      // Foreign keys are no protection against what is tested here.
      await bench.query(`set session_replication_role = replica; ${statement}`)
      const code = await checkInvariants(operation, { check: [check] })
      t.equal(code, 1, check)
      t.same(violated(), [check])
    }
  })

  await t.test('what changed a moment ago is not judged yet, unless it is asked for', async t => {
    await bench.query(`update catalog.reservation set updated_at = now()`)
    t.equal(await checkInvariants(operation, { check: ['I3'] }), 0)
    bench.printed()
    t.equal(await checkInvariants(operation, { check: ['I3'], settle: 0 }), 1)
    t.match(bench.printed(), [{ check: 'I3', violations: 1, samples: [{ id: id(3) }] }])
  })

  await t.test('what is parked and acknowledged is no violation', async t => {
    await bench.query(`update orders.parked_key set acknowledged_by = 'ada'`)
    t.equal(await checkInvariants(operation, { check: ['I7.parked'] }), 0)
    bench.printed()
  })

  await t.test('a check that does not exist is an error', async t => {
    await t.rejects(checkInvariants(operation, { check: ['I99'] }), CliError)
  })

  await t.test('a watch shows the violations of its last round as metrics', async t => {
    const options = { every: 0.1, metricsPort: 0, check: ['I9', 'I10'] }
    const watching = watchInvariants(operation, options)
    const text = await eventually(async () => {
      const url = /http:\S+/.exec(bench.warned.at(-1) ?? '')?.[0] ?? ''
      const found = await (await fetch(url)).text()
      assert.match(found, /campus_invariant_violations\{[^}]*check="I10"/)
      return found
    })
    t.match(text, /campus_invariant_violations\{[^}]*check="I9"[^}]*\} 1\n/)
    t.match(text, /campus_audit_round_timestamp_seconds/)
    bench.interrupt()
    t.equal(await watching, 1, 'the last round had violations')
  })
})
