import { sql } from 'drizzle-orm'
import { test } from 'tap'
import { createPostgres } from '../data/postgres.ts'
import { createTcpProxy } from '../testing/tcp-proxy.ts'
import { toAppError } from './failure.ts'

/** What a route would answer to a query, and after how long. */
async function outcome(work: () => Promise<unknown>): Promise<{ code: string; tookMs: number }> {
  const startedAt = performance.now()
  try {
    await work()
    return { code: 'none', tookMs: performance.now() - startedAt }
  } catch (error) {
    return { code: toAppError(error).code, tookMs: performance.now() - startedAt }
  }
}

test('Postgres gone, slow or locked is 503, never 500, and recovers by itself', async t => {
  const proxy = await createTcpProxy(t, process.env['DATABASE_URL'] ?? '')
  const postgres = createPostgres({
    url: proxy.url,
    max: 2,
    applicationName: 'test',
    statementTimeoutMs: 200,
  })
  t.teardown(() => postgres.close())
  const select = () => postgres.read(tx => tx.execute(sql`select 1`))
  const down = 'server.dependency_down'

  t.equal((await outcome(select)).code, 'none')
  const slow = () => postgres.read(tx => tx.execute(sql`select pg_sleep(5)`))
  t.equal((await outcome(slow)).code, down, 'a statement beyond its time')
  const killed = () =>
    postgres.transaction(tx => tx.execute(sql`select pg_terminate_backend(pg_backend_pid())`))
  t.equal((await outcome(killed)).code, down, 'a connection ended by the server')

  const cutWhileRunning = outcome(() => postgres.read(tx => tx.execute(sql`select pg_sleep(0.1)`)))
  proxy.cut()
  t.equal((await cutWhileRunning).code, down, 'a connection that broke')
  t.equal((await outcome(select)).code, down, 'a server that is gone')
  proxy.restore()
  t.equal((await outcome(select)).code, 'none', 'the server is back')
})
