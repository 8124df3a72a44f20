import { test } from 'tap'
import { CliError } from '../cli-error.ts'
import { listEffects } from './effects/ls.ts'
import { decideEffect } from './effects/resolve.ts'
import { listOutbox } from './outbox/ls.ts'
import { republishEvents } from './outbox/republish.ts'
import { listStuck } from './outbox/stuck.ts'
import { createBench } from './test-bench.ts'

const codeOf = (error: unknown) => (error instanceof CliError ? error.exitCode : error)

test('outboxes', async t => {
  const bench = await createBench(t, { services: ['orders', 'users'] })
  const { operation } = bench
  /** Archives versions 1 to 3 of a key, the second of them twice. */
  await bench.query(`
    insert into orders.outbox_archive
    select n, ('00000000-0000-7000-8000-00000000000' || n)::uuid, 'campus.orders', 4, 'order:1', n,
      'orders.order_placed.v1', jsonb_build_object('n', n), '{"ce_id":"x"}', now() - interval '1 hour',
      now(), 4, n
    from generate_series(1, 3) n;
    insert into orders.outbox_archive
    select 9, event_id, topic, lane, aggregate_key, aggregate_version, type, payload, headers,
      created_at, now(), 4, 9 from orders.outbox_archive where seq = 2;
    insert into users.aggregate_version values ('campus.users.profiles', 'user:1', 2);
    insert into users.outbox_archive
    select n, ('00000000-0000-7000-8000-00000000001' || n)::uuid, 'campus.users.profiles', 4, 'user:1', n,
      'users.profile_saved.v1', '{}', '{}', now() - interval '1 hour', now(), 4, n
    from generate_series(1, 2) n`)
  const waiting = () =>
    bench.query(
      'select aggregate_version as v, headers, created_at from orders.outbox order by seq',
    )

  await t.test('a dry run of republish prints what it would do', async t => {
    t.equal(await republishEvents(operation, { key: 'order:1', dryRun: true }), 0)
    t.match(bench.printed(), [{ would: 'republish', version: 1 }, { version: 2 }, { version: 3 }])
    t.same(await waiting(), [])
  })

  await t.test('republish puts events back as they were, once each and in order', async t => {
    t.equal(await republishEvents(operation, { key: 'order:1' }), 0)
    bench.printed()
    const rows = await waiting()
    t.match(rows, [{ v: 1, headers: { ce_id: 'x' } }, { v: 2 }, { v: 3 }])
    t.equal(rows.length, 3)
    const [same] = await bench.query(`select count(*)::int as n from orders.outbox o
      join orders.outbox_archive a on a.event_id = o.event_id and a.created_at = o.created_at
        and a.payload = o.payload and a.lane = o.lane`)
    t.match(same, { n: 4 })
  })

  await t.test('republish of what is in the outbox is refused', async t => {
    t.equal(await republishEvents(operation, { key: 'order:1' }).catch(codeOf), 4)
    t.equal((await waiting()).length, 3)
  })

  await t.test(
    'on a compacted topic only the newest version of a key is published again',
    async t => {
      t.equal(await republishEvents(operation, { service: 'users', key: 'user:1' }), 0)
      t.match(bench.printed(), [{ version: 2 }])
      t.match(await bench.query('select aggregate_version as v from users.outbox'), [{ v: 2 }])
    },
  )

  await t.test('republish needs a choice, and says when the archive has nothing', async t => {
    t.equal(await republishEvents(operation, {}).catch(codeOf), 1)
    t.equal(await republishEvents(operation, { key: 'order:none' }).catch(codeOf), 2)
    const since = new Date(Date.now() - 60_000)
    t.equal(await republishEvents(operation, { since }).catch(codeOf), 2)
  })

  await t.test(
    'ls and stuck tell what waits, behind which event, and who should publish it',
    async t => {
      await listOutbox(operation, { service: 'orders' })
      t.match(
        bench.printed().filter(row => row['pending'] !== 0),
        [{ service: 'orders', lane: 4, pending: 3, owner: null }],
      )
      t.equal(await listStuck(operation, { olderThan: 60 }), 1)
      t.match(bench.printed(), [
        { service: 'orders', lane: 4, key: 'order:1', why: 'no replica owns the lane' },
        { service: 'users', key: 'user:1' },
      ])
      t.equal(await listStuck(operation, { olderThan: 7_200 }), 0)
    },
  )
})

test('effects', async t => {
  const bench = await createBench(t, { services: ['notifications'] })
  const { operation } = bench
  const ids = [1, 2, 3].map(n => `00000000-0000-7000-8000-00000000000${n}`)
  await bench.query(`
    insert into notifications.effect (id, kind, dedupe_key, payload, state, attempts, error) values
      ('${ids[0]}', 'mail', 'a', '{"to":"ada@campus.example"}', 'ambiguous', 1, 'lost ada@campus.example'),
      ('${ids[1]}', 'mail', 'b', '{}', 'failed', 5, 'refused'),
      ('${ids[2]}', 'mail', 'c', '{}', 'sent', 1, null)`)
  const stateOf = async (id: string | undefined) => {
    const [row] = await bench.query(`select state from notifications.effect where id = '${id}'`)
    return row?.['state']
  }

  await t.test('ls shows what has no certain end, without content and addresses', async t => {
    await listEffects(operation, {})
    const rows = bench.printed()
    t.match(rows, [{ state: 'ambiguous', error: 'lost <address>' }, { state: 'failed' }])
    t.equal(rows.length, 2)
    t.notMatch(JSON.stringify(rows), /ada@/)
  })

  await t.test('resolve decides an ambiguous or failed effect, and no other', async t => {
    const [ambiguous = '', failed = '', sent = ''] = ids
    const dry = { dryRun: true }
    t.equal(await decideEffect(operation, { id: ambiguous, outcome: 'sent' }, dry), 0)
    t.equal(await stateOf(ambiguous), 'ambiguous')
    t.equal(await decideEffect(operation, { id: ambiguous, outcome: 'sent' }, {}), 0)
    t.equal(await stateOf(ambiguous), 'sent')
    t.equal(await decideEffect(operation, { id: failed, outcome: 'retry' }, {}), 0)
    t.equal(await stateOf(failed), 'pending')
    t.equal(await decideEffect(operation, { id: sent, outcome: 'retry' }, {}).catch(codeOf), 4)
    t.equal(await decideEffect(operation, { id: sent, outcome: 'maybe' }, {}).catch(codeOf), 1)
    const unknown = '00000000-0000-7000-8000-0000000000ff'
    t.equal(await decideEffect(operation, { id: unknown, outcome: 'sent' }, {}).catch(codeOf), 2)
  })
})
