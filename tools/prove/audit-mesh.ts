import assert from 'node:assert/strict'
import { header } from '@campus/contracts/envelope'
import { everyEvent } from '@campus/contracts/events/all'
import { topics } from '@campus/contracts/topics'
import { createPostgres } from '@campus/platform/data/postgres'
import { createKafka } from '@campus/platform/events/kafka'
import type { IncomingRecord } from '@campus/platform/events/kafka-record'
import { checkConsumed } from '@campus/platform/events/schemas'
import { eventually } from '@campus/platform/testing/eventually'
import { readAll } from '@campus/platform/testing/kafka'
import { sql } from 'drizzle-orm'
import type { Mesh } from './mesh.ts'

const services = ['users', 'catalog', 'orders', 'payments', 'notifications']

/** What must hold once nothing moves any more; each query returns the violations. */
const checks: Readonly<Record<string, string>> = {
  'the ledger sums to 0 in each currency': `
    select currency, sum(amount) from payments.posting group by currency having sum(amount) <> 0`,
  'every ledger transaction sums to 0': `
    select transaction_id from payments.posting group by transaction_id, currency having sum(amount) <> 0`,
  'the stock of a variant is the sum of its movements': `
    select variant_id from catalog.stock s
    where on_hand <> (select coalesce(sum(delta), 0) from catalog.movement m where m.variant_id = s.variant_id)`,
  'the reserved units of a variant are the sum of its held lines': `
    select s.variant_id from catalog.stock s
    where reserved <> (
      select coalesce(sum(l.quantity), 0) from catalog.reservation r
      join catalog.reservation_line l on l.reservation_id = r.id
      where r.state = 'held' and l.tracked and l.variant_id = s.variant_id)`,
  'no finished order holds stock': `
    select o.id from orders.orders o join catalog.reservation r on r.order_id = o.id
    where (o.state = 'cancelled' and r.state in ('held', 'committed'))
      or (o.state in ('confirmed', 'completed') and r.state <> 'committed')`,
  'no order waits for ever': `
    select id, state from orders.orders
    where state not in ('confirmed', 'completed', 'cancelled') and timer_at is null`,
  'no money is kept without an order, and none is missing': `
    select o.id, o.state, i.state, i.captured, i.refunded from orders.orders o
    left join payments.intent i on i.ref_id = o.id
    where (o.state = 'cancelled' and coalesce(i.captured, 0) <> coalesce(i.refunded, 0))
      or (o.state in ('confirmed', 'completed') and o.total > 0
        and coalesce(i.captured, 0) - coalesce(i.refunded, 0) <> o.total)`,
  'an intent is captured once': `
    select ref_id from payments.intent group by ref_id having count(*) > 1`,
  'every captured amount is in the cash account': `
    select sum(captured - refunded) from payments.intent
    having coalesce(sum(captured - refunded), 0) <>
      (select coalesce(sum(amount), 0) from payments.posting where account = 'cash')`,
  ...Object.fromEntries(
    services.flatMap(service => [
      [`${service} has parked nothing`, `select consumer, error from ${service}.parked_event`],
      [`${service} has published everything`, `select event_id from ${service}.outbox`],
      [
        `versions of ${service} have no gap`,
        `select aggregate_key from ${service}.outbox_archive group by topic, aggregate_key
         having max(aggregate_version) <> count(distinct aggregate_version)`,
      ],
    ]),
  ),
}

/**
 * Waits until the mesh is quiet, then checks it from outside: by the database as a superuser, and by
 * every record on every topic.
 *
 * @returns one sentence per violation
 */
export async function auditMesh(mesh: Mesh): Promise<string[]> {
  const postgres = createPostgres({
    url: mesh.env['DATABASE_URL'] ?? '',
    max: 2,
    applicationName: 'audit',
  })
  const kafka = createKafka({
    brokers: (mesh.env['KAFKA_BROKERS'] ?? '').split(','),
    clientId: 'audit',
  })
  const rowsOf = async (query: string) =>
    (await postgres.read(tx => tx.execute(sql.raw(query)))).rows
  try {
    for (const service of services) {
      await eventually(
        async () => assert.deepEqual(await rowsOf(`select event_id from ${service}.outbox`), []),
        { timeoutMs: 30_000 },
      )
    }
    const problems: string[] = []
    for (const [name, query] of Object.entries(checks)) {
      // Consumers may be behind the topic by a moment.
      const rows = await eventually(
        async () => {
          const found = await rowsOf(query)
          assert.deepEqual(found, [])
          return found
        },
        { timeoutMs: 15_000, everyMs: 250 },
      ).catch(() => rowsOf(query))
      if (rows.length > 0) problems.push(`Not true: ${name}. ${JSON.stringify(rows.slice(0, 5))}`)
    }
    const published = new Map<string, IncomingRecord[]>()
    for (const { name } of topics) {
      const records = await readAll(kafka, name)
      published.set(name, records)
      problems.push(...records.flatMap(recordProblems))
    }
    problems.push(...(await inboxProblems(rowsOf, published)))
    return problems
  } finally {
    await Promise.all([postgres.close(), kafka.close()])
  }
}

/** Every record carries the whole envelope and meets the contract of its type. */
function recordProblems({ topic, key, value, headers }: IncomingRecord): string[] {
  const type = headers[header.type]
  const kind = everyEvent.find(
    one => one.type === type && one.topic === topic && key?.startsWith(`${one.aggregate}:`),
  )
  const problems: string[] = []
  if (kind === undefined) return [`${topic}: no contract for ${type} of ${key}`]
  for (const [name, field] of Object.entries(header)) {
    if (name !== 'replayId' && !headers[field]) problems.push(`${type} of ${key} has no ${field}`)
  }
  if (headers[header.key] !== key)
    problems.push(`${type} of ${key} says key ${headers[header.key]}`)
  try {
    if (value !== null) checkConsumed(kind, JSON.parse(value.toString()))
  } catch (error) {
    problems.push(String(error))
  }
  return problems
}

/** Nothing applied that is not on a topic, and nothing on a topic twice with different content. */
async function inboxProblems(
  rowsOf: (query: string) => Promise<Record<string, unknown>[]>,
  published: ReadonlyMap<string, readonly IncomingRecord[]>,
): Promise<string[]> {
  const ids = new Set<string>()
  for (const records of published.values()) {
    for (const { headers } of records) ids.add(headers[header.id] ?? '')
  }
  const problems: string[] = []
  for (const service of services) {
    for (const row of await rowsOf(`select event_id, consumer from ${service}.inbox`)) {
      if (!ids.has(String(row['event_id']))) {
        problems.push(`Applied, but on no topic: ${JSON.stringify(row)}`)
      }
    }
    const archived = await rowsOf(`select event_id from ${service}.outbox_archive`)
    const lost = archived.filter(row => !ids.has(String(row['event_id'])))
    // Compacted topics may have dropped older values of a key.
    if (service !== 'users' && lost.length > 0) {
      problems.push(`${lost.length} events of ${service} are archived but on no topic.`)
    }
  }
  return problems
}
