import assert from 'node:assert/strict'
import { newId } from '@campus/platform/new-id'
import { eventually } from '@campus/platform/testing/eventually'
import { sql } from 'drizzle-orm'
import { t as file, test } from 'tap'
import { newReader, openBench } from '../test-bench.ts'

file.setTimeout(120_000)
const bench = await openBench(file)

const unreadAt = async (app: typeof bench.app, userId: string): Promise<number> => {
  const headers = bench.tokens.bearer({ userId })
  return (await app.inject({ url: '/v1/me/notifications/unread-count', headers })).json().count
}

test('the unread count is the same at every replica at once after each change', async t => {
  const other = await bench.replica()
  const ada = newReader()
  await bench.publish(ada.profile())
  for (const [index, event] of [ada.verified(), ada.passwordChanged()].entries()) {
    await bench.publish(event)
    await bench.mailed(ada.email, index + 1)
    t.equal(await unreadAt(bench.app, ada.userId), index + 1)
    t.equal(await unreadAt(other.app, ada.userId), index + 1)
  }
  await other.app.inject({
    method: 'POST',
    url: '/v1/me/notifications/read-all',
    headers: bench.tokens.bearer({ userId: ada.userId }),
  })
  await eventually(async () => assert.equal(await unreadAt(bench.app, ada.userId), 0))
  t.equal(await unreadAt(other.app, ada.userId), 0)
})

test('the unread count is cached: what changes behind the back of the service is seen later', async t => {
  const ada = newReader()
  await bench.publish(ada.profile(), ada.verified())
  await bench.mailed(ada.email)
  t.equal(await unreadAt(bench.app, ada.userId), 1)
  await bench.postgres.read(tx =>
    tx.execute(sql`update notification set read_at = now() where user_id = ${ada.userId}`),
  )
  t.equal(await unreadAt(bench.app, ada.userId), 1)
})

test('what was read is kept for 90 days, what was not is kept', async t => {
  const stopped = await openBench(t)
  await stopped.stop()
  const { userId } = newReader()
  const [young, unread] = [newId(), newId()]
  await stopped.postgres.read(tx =>
    tx.execute(sql`
      insert into notification
        (id, user_id, category, message, source_event_id, source_type, created_at, read_at)
      select id, ${userId}::uuid, 'account', '{"kind":"welcome"}'::jsonb, gen_random_uuid(), 'x',
        now() - interval '1 year', read_at
      from (values
        (${young}::uuid, now() - interval '89 days'),
        (${unread}::uuid, null),
        (gen_random_uuid(), now() - interval '91 days')) old (id, read_at)
      union all
      select gen_random_uuid(), ${userId}::uuid, 'account', '{"kind":"welcome"}'::jsonb, gen_random_uuid(), 'x',
        now() - interval '1 year', now() - interval '91 days' from generate_series(1, 1500)`),
  )
  const again = await stopped.replica()
  await eventually(async () => {
    const { rows } = await stopped.postgres.read(tx =>
      tx.execute<{ id: string }>(sql`select id from notification`),
    )
    assert.deepEqual(new Set(rows.map(({ id }) => id)), new Set([young, unread]))
  })
  await again.stop()
})
