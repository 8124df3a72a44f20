import assert from 'node:assert/strict'
import { header } from '@campus/contracts/envelope'
import { everyEvent } from '@campus/contracts/events/all'
import { topics } from '@campus/contracts/topics'
import { createPostgres, type Postgres } from '@campus/platform/data/postgres'
import { createKafka } from '@campus/platform/events/kafka'
import type { IncomingRecord } from '@campus/platform/events/kafka-record'
import { checkConsumed } from '@campus/platform/events/schemas'
import { eventually } from '@campus/platform/testing/eventually'
import { readAll } from '@campus/platform/testing/kafka'
import { sql } from 'drizzle-orm'
import { auditRound, checks } from '../operate/audit/round.ts'
import type { Mesh } from './mesh.ts'

const services = ['users', 'catalog', 'orders', 'payments', 'notifications']

/** What must hold at rest beside the checks of `campus audit`; each query returns the violations. */
const atRest: Readonly<Record<string, string>> = {
  'no order waits for ever': `
    select id, state from orders.orders
    where state not in ('confirmed', 'completed', 'cancelled') and timer_at is null`,
  'a confirmed order has its stock': `
    select o.id from orders.orders o left join catalog.reservation r on r.order_id = o.id
    where o.state = 'confirmed' and r.state is distinct from 'committed'`,
  'an order has one intent': `
    select ref_id from payments.intent group by ref_type, ref_id having count(*) > 1`,
  ...Object.fromEntries(
    services.flatMap(service => [
      [`${service} has parked nothing`, `select consumer, error from ${service}.parked_event`],
      [`${service} has published everything`, `select event_id from ${service}.outbox`],
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
  const audit = createPostgres({
    url: mesh.env['CAMPUS_AUDIT_DATABASE_URL'] ?? '',
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
    for (const [name, query] of Object.entries(atRest)) {
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
    // Consumers may be behind here too.
    const found = await eventually(
      async () => {
        assert.deepEqual(await findings(audit), [])
        return []
      },
      { timeoutMs: 15_000, everyMs: 500 },
    ).catch(() => findings(audit))
    problems.push(...found)
    const published = new Map<string, IncomingRecord[]>()
    for (const { name } of topics) {
      const records = await readAll(kafka, name)
      published.set(name, records)
      problems.push(...records.flatMap(recordProblems), ...orderProblems(records))
    }
    problems.push(...(await inboxProblems(rowsOf, published)))
    return problems
  } finally {
    await Promise.all([postgres.close(), audit.close(), kafka.close()])
  }
}

/** The checks of `campus audit`, without their settle times: at rest nothing is on its way. */
async function findings(audit: Postgres): Promise<string[]> {
  const found = await auditRound(audit, checks, 0)
  return found
    .filter(({ violations }) => violations.length > 0)
    .map(({ check, violations }) => {
      return `${check.id}: ${check.mustHold} ${JSON.stringify(violations.slice(0, 3))}`
    })
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

/** The first copies of the events of a key are in the order of their versions; later copies may come. */
function orderProblems(records: readonly IncomingRecord[]): string[] {
  const last = new Map<string, number>()
  const seen = new Set<string>()
  const problems: string[] = []
  for (const { topic, key, headers } of records) {
    const id = headers[header.id] ?? ''
    if (seen.has(id)) continue
    seen.add(id)
    const version = Number(headers[header.version])
    const before = last.get(key ?? '') ?? 0
    if (version < before) problems.push(`${topic}: version ${version} of ${key} after ${before}`)
    last.set(key ?? '', version)
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
