import { provisionOperators } from '@campus/platform/data/migrate'
import { createPostgres, sqlState } from '@campus/platform/data/postgres'
import { eventually } from '@campus/platform/testing/eventually'
import { sql } from 'drizzle-orm'
import { test } from 'tap'
import { createBench } from './test-bench.ts'

test('the roles of operators', async t => {
  const bench = await createBench(t, { services: ['orders', 'payments', 'users'] })
  const states = async (url: string, statements: readonly string[]) => {
    const postgres = createPostgres({ url, max: 1, applicationName: 'test' })
    const found: Record<string, string | undefined> = {}
    for (const statement of statements) {
      found[statement] = await postgres
        .read(tx => tx.execute(sql.raw(statement)))
        .then(() => 'done', sqlState)
    }
    await postgres.close()
    return found
  }
  const all = (statements: readonly string[], state: string) =>
    Object.fromEntries(statements.map(statement => [statement, state]))

  await t.test('the operator reads and repairs what the event runtime has stored', async t => {
    const allowed = [
      'select * from orders.outbox',
      'select * from orders.outbox_archive',
      'select * from users.inbox',
      'select * from payments.outbox_lane',
      'select * from payments.relay_replica',
      'select * from payments.consumer_assignment',
      'update orders.parked_key set accept_gap = false',
      "update orders.parked_event set status = 'discarded'",
      'update orders.effect set attempts = 0',
      'update orders.consumer_state set stopped_at = null',
      "insert into orders.seen_version values ('orders.x', 't', 'k', 1)",
      `insert into orders.outbox (event_id, topic, lane, aggregate_key, aggregate_version, type, headers)
        values (gen_random_uuid(), 't', 0, 'k', 1, 'x', '{}')`,
    ]
    t.same(await states(bench.operatorUrl, allowed), all(allowed, 'done'))
  })

  await t.test('the operator is refused what is business', async t => {
    const refused = [
      'select * from orders.orders',
      'select * from orders.cart',
      'select * from users.account',
      'select * from users.session',
      'select * from payments.posting',
      'select * from orders.idempotency_key',
      'update orders.orders set total = 0',
      'delete from orders.outbox',
      'update orders.outbox_archive set payload = null',
      'delete from orders.inbox',
      'update orders.aggregate_version set version = 9',
      'select * from orders_audit.orders',
      'create table orders.mine (id int)',
    ]
    t.same(await states(bench.operatorUrl, refused), all(refused, '42501'))
  })

  await t.test('the audit sees its views and nothing else, and writes nothing', async t => {
    const allowed = ['select * from orders_audit.orders', 'select * from users_audit.outbox']
    t.same(await states(bench.auditUrl, allowed), all(allowed, 'done'))
    const refused = [
      'select * from orders.orders',
      'select * from users.account',
      'select * from orders.outbox',
      'select * from orders.parked_event',
    ]
    t.same(await states(bench.auditUrl, refused), all(refused, '42501'))
    const written = ['update orders_audit.orders set total = 0', 'delete from users_audit.outbox']
    t.same(await states(bench.auditUrl, written), all(written, '42501'))
  })

  await t.test('no view of the audit has personal data or payloads', async t => {
    const rows = await bench.query(`
      select table_schema, column_name from information_schema.columns
      where table_schema like '%\\_audit' and column_name ~
        'email|name|address|payload|headers|user_id|token|hash|locale|title|message|error'`)
    t.same(rows, [])
  })

  await t.test('both log in by their own passwords, and the audit is read only', async t => {
    const seen = async (url: string) => {
      const postgres = createPostgres({ url, max: 1, applicationName: 'test' })
      const query = sql`select current_user as name, current_setting('transaction_read_only') as ro`
      try {
        return (await postgres.read(tx => tx.execute(query))).rows[0]
      } finally {
        await postgres.close()
      }
    }
    // A mesh of another test file may set the passwords of the shared server in between.
    const found = await eventually(async () => {
      const { adminUrl } = bench
      const passwords = { operatorPassword: 'only-for-tests', auditPassword: 'only-for-tests' }
      const { operatorUrl, auditUrl } = await provisionOperators({ adminUrl, ...passwords })
      return Promise.all([seen(operatorUrl), seen(auditUrl)])
    })
    t.same(found, [
      { name: 'campus_operator', ro: 'off' },
      { name: 'campus_audit', ro: 'on' },
    ])
  })
})
