import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { sql } from 'drizzle-orm'
import { test } from 'tap'
import { createTestDatabase } from '../testing/database.ts'
import { createTcpProxy } from '../testing/tcp-proxy.ts'
import { isDependencyFailure } from './dependency.ts'
import { migrate, provisionService } from './migrate.ts'
import { createPostgres, onCommit, sqlState, type Tx, writeTogether } from './postgres.ts'

const directories = ['platform/migrations']

async function counter(tx: Tx): Promise<number> {
  const { rows } = await tx.execute<{ epoch: number }>(
    sql`select epoch from outbox_lane where lane = 0`,
  )
  return rows[0]?.epoch ?? -1
}

test('a rollback undoes everything, and its hooks never run', async t => {
  const { postgres } = await createTestDatabase(t, { service: 'bar', directories })
  const heard: string[] = []
  await t.rejects(
    postgres.transaction(async tx => {
      await tx.execute(sql`update outbox_lane set epoch = 7 where lane = 0`)
      onCommit(tx, () => heard.push('rolled back'))
      throw new Error('no')
    }),
  )
  await postgres.transaction(async tx => {
    t.equal(await counter(tx), 0)
    onCommit(tx, () => heard.push('committed'))
    t.same(heard, [], 'not before the commit')
  })
  t.same(heard, ['committed'])
  await t.rejects(
    postgres.read(async tx => onCommit(tx, () => undefined)),
    /outside/,
  )
})

test('what is written together is written once, at the end, in order, or not at all', async t => {
  const { postgres } = await createTestDatabase(t, { service: 'bar', directories })
  const written: string[][] = []
  const after = writeTogether<string>(async (_, items) => {
    written.push([...items])
  })
  const raise = writeTogether<number>(async (tx, by) => {
    written.push(by.map(String))
    const sum = by.reduce((a, b) => a + b, 0)
    await tx.execute(sql`update outbox_lane set epoch = epoch + ${sum} where lane = 0`)
    after(tx, 'a', 'b')
  })
  await postgres.transaction(async tx => {
    after(tx, 'first')
    raise(tx, 1)
    raise(tx, 2, 3)
    t.equal(await counter(tx), 0, 'not before the end')
  })
  t.same(written, [['first'], ['1', '2', '3'], ['a', 'b']])
  t.equal(await postgres.read(counter), 6)
  await t.rejects(
    postgres.transaction(async tx => {
      raise(tx, 10)
      throw new Error('no')
    }),
  )
  const failing = writeTogether<number>(() => Promise.reject(new Error('cannot be written')))
  await t.rejects(
    postgres.transaction(async tx => {
      raise(tx, 10)
      failing(tx, 1)
    }),
    { message: 'cannot be written' },
  )
  t.equal(await postgres.read(counter), 6, 'a part that fails takes all of it along')
  await t.rejects(
    postgres.read(async tx => raise(tx, 1)),
    /outside/,
  )
})

test('a statement that comes often is prepared once a connection, and survives a migration', async t => {
  const { postgres, adminUrl } = await createTestDatabase(t, {
    service: 'bar',
    directories,
    max: 1,
  })
  const lanes = async () =>
    postgres.transaction(async tx => {
      const { rows } = await tx.execute(sql`select * from outbox_lane where lane = ${0}`)
      return rows.length
    })
  for (let times = 1; times <= 5; times += 1) await lanes()
  const { rows } = await postgres.read(tx =>
    tx.execute<{ n: number }>(sql`select count(*) as n from pg_prepared_statements
      where statement like 'select * from outbox_lane%'`),
  )
  t.equal(rows[0]?.n, 1)
  const admin = createPostgres({ url: adminUrl, max: 1, applicationName: 'admin' })
  t.teardown(() => admin.close())
  await admin.read(tx => tx.execute(sql`alter table bar.outbox_lane add column note text`))
  t.equal(await lanes(), 1, 'its columns have changed since it was prepared')
})

test('serializable transactions that collide are repeated until each has counted', async t => {
  const { postgres } = await createTestDatabase(t, { service: 'bar', directories, max: 4 })
  const outcomes = await Promise.allSettled(
    Array.from({ length: 4 }, () =>
      postgres.transaction(async tx => {
        const before = await counter(tx)
        await tx.execute(sql`update outbox_lane set epoch = ${before + 1} where lane = 0`)
      }, 'serializable'),
    ),
  )
  const counted = outcomes.filter(({ status }) => status === 'fulfilled').length
  t.equal(await postgres.read(counter), counted, 'no update is lost')
  t.ok(counted >= 3)
})

test('a service sees its own schema only and changes no table', async t => {
  const { url, adminUrl, postgres } = await createTestDatabase(t, { service: 'bar', directories })
  await provisionService({ adminUrl, service: 'club', password: 'only-for-tests' })
  await migrate({ adminUrl, service: 'club', directories })
  const states = []
  for (const statement of [
    'select * from club.outbox',
    'create table mine (id int)',
    'alter table outbox add column more int',
    'drop table inbox',
    'create table public.mine (id int)',
  ]) {
    const error = await postgres.read(tx => tx.execute(sql.raw(statement))).catch(e => e)
    states.push(sqlState(error))
  }
  t.same(
    states,
    states.map(() => '42501'),
    'insufficient privilege, each time',
  )
  t.ok(url.includes('campus_bar'))
})

test('migrations run once, in order, also when two replicas start at once, and never change', async t => {
  const folder = mkdtempSync(join(tmpdir(), 'migrations-'))
  t.teardown(() => rmSync(folder, { recursive: true }))
  const own = join(folder, 'bar/migrations')
  mkdirSync(own, { recursive: true })
  writeFileSync(join(own, '0001_init.sql'), 'create table one (id int);')
  writeFileSync(join(own, '0002_more.sql'), 'alter table one add column two int;')
  const { adminUrl } = await createTestDatabase(t, { service: 'bar', directories })
  const run = () => migrate({ adminUrl, service: 'bar', directories: [...directories, own] })
  const ran = await Promise.all([run(), run()])
  t.same(ran.flat(), ['bar/0001_init.sql', 'bar/0002_more.sql'])
  t.same(await run(), [])
  writeFileSync(join(own, '0001_init.sql'), 'create table other (id int);')
  await t.rejects(run(), /0001_init\.sql has changed/)
  writeFileSync(join(own, '0001_init.sql'), 'create table one (id int);')
  writeFileSync(join(own, '0003_bad.sql'), 'create table half (id int); select 1 / 0;')
  await t.rejects(run(), /0003_bad\.sql failed/)
  rmSync(join(own, '0003_bad.sql'))
  t.same(await run(), [], 'a failed file leaves nothing behind')
})

test('a server that hangs or is gone fails within 5 s as a failed dependency, and is used again later', async t => {
  const { url } = await createTestDatabase(t, { service: 'bar', directories })
  const proxy = await createTcpProxy(t, url)
  const postgres = createPostgres({
    url: proxy.url,
    max: 2,
    applicationName: 'test',
    statementTimeoutMs: 500,
  })
  t.teardown(() => postgres.close())
  t.equal(await postgres.transaction(counter), 0)
  proxy.freeze()
  const startedAt = performance.now()
  t.ok(isDependencyFailure(await postgres.transaction(counter).catch(e => e)))
  t.ok(isDependencyFailure(await postgres.read(counter).catch(e => e)))
  t.ok(performance.now() - startedAt < 5_000)
  proxy.cut()
  t.ok(isDependencyFailure(await postgres.read(counter).catch(e => e)))
  proxy.restore()
  t.equal(await postgres.transaction(counter), 0)
})

test('partitions for the coming days exist after the job, and old ones are dropped', async t => {
  const { postgres, adminUrl } = await createTestDatabase(t, { service: 'bar', directories })
  const admin = createPostgres({ url: adminUrl, max: 1, applicationName: 'admin' })
  t.teardown(() => admin.close())
  const count = async () => {
    const { rows } = await postgres.read(tx =>
      tx.execute<{ n: number }>(sql`
        select count(*) as n from pg_inherits i join pg_class c on c.oid = i.inhrelid
        where c.relname ~ '^(inbox|outbox_archive)_[0-9]{8}$' and c.relkind = 'r'`),
    )
    return rows[0]?.n
  }
  const keep = () =>
    postgres.transaction(tx => tx.execute(sql`select keep_event_partitions(37, 7)`))
  await keep()
  await keep()
  t.equal(await count(), 6, 'three weeks of inbox, three days of archive')
  await admin.read(tx =>
    tx.execute(sql`create table bar.inbox_20200106 partition of bar.inbox
      for values from (bar.uuid_floor('2020-01-06')) to (bar.uuid_floor('2020-01-13'))`),
  )
  await admin.read(tx => tx.execute(sql`alter table bar.inbox_20200106 owner to campus_owner`))
  t.equal(await count(), 7)
  await keep()
  t.equal(await count(), 6)
})
