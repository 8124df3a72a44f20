import { header } from '@campus/contracts/envelope'
import type { Tx } from '@campus/platform/data/postgres'
import { sql } from 'drizzle-orm'
import { CliError } from '../../cli-error.ts'
import { compactedTopics, findBehind } from '../behind.ts'
import { readTopic } from '../events/read-topic.ts'
import { type Exit, exit } from '../exit.ts'
import { type Operation, operate } from '../operation.ts'
import type { CommonOptions } from '../options.ts'
import type { Row } from '../output.ts'
import { serviceSchemas, table } from '../schemas.ts'

/** Options of `campus reconcile`. */
export interface ReconcileOptions {
  readonly since: Date
  /** Seconds. */
  readonly settle: number
}

/** Compares what services say they have published with what is on topics and in consumers. */
export async function reconcile(
  service: string | undefined,
  options: CommonOptions & ReconcileOptions,
): Promise<void> {
  await operate(options, operation => compare(operation, service, options))
}

/** @see reconcile */
export async function compare(
  operation: Operation,
  service: string | undefined,
  options: ReconcileOptions,
): Promise<Exit> {
  const { output } = operation
  const postgres = operation.postgres()
  const schemas = await postgres.read(serviceSchemas)
  if (service !== undefined && !schemas.includes(service)) {
    throw new CliError(`There is no service "${service}". Services: ${schemas.join(', ')}.`)
  }
  const rows: Row[] = []
  for (const source of service === undefined ? schemas : [service]) {
    const versions = await postgres.transaction(
      tx => compareVersions(tx, source, schemas, options),
      'repeatable read',
    )
    rows.push(...versions, ...(await compareTopics(operation, source, options)))
  }
  output.table(rows, 'Every consumer has what was published, and every topic what was archived.')
  if (rows.length === 0) return exit.done
  return rows.every(({ problem }) => problem === 'parked') ? exit.someParked : exit.failed
}

async function compareVersions(
  tx: Tx,
  source: string,
  schemas: readonly string[],
  { settle }: ReconcileOptions,
): Promise<readonly Row[]> {
  const rows: Row[] = []
  const own = { service: source, schema: source }
  for (const schema of schemas) {
    const found = await findBehind(tx, own, { service: schema, schema }, settle)
    for (const { isParked, ...row } of found) {
      rows.push({ problem: isParked === true ? 'parked' : 'not seen', ...row })
    }
  }
  return rows
}

/** Ids of the archive that are not on their topic, and ids on the topic that no archive knows. */
async function compareTopics(
  operation: Operation,
  source: string,
  { since, settle }: ReconcileOptions,
): Promise<readonly Row[]> {
  // Read before the topics: what is published meanwhile is not missed. Kept in memory for the window.
  const published = await operation.postgres().read(async tx => {
    const { rows } = await tx.execute<{ id: string; topic: string; key: string; at: number }>(sql`
      select event_id as id, topic, aggregate_key as key,
        (extract(epoch from created_at) * 1000)::bigint as at
      from ${table(source, 'outbox_archive')}
      where created_at >= ${since.toISOString()}::timestamptz
        and topic <> all(${sql.param(compactedTopics)}::text[])`)
    return rows
  })
  const rows: Row[] = []
  const names = new Set([`campus.${source}`, ...published.map(({ topic }) => topic)])
  for (const topic of names) {
    if (compactedTopics.includes(topic)) continue
    const kafka = operation.kafka()
    if ((await kafka.admin.describe(topic)) === undefined) continue
    const archived = new Map(published.filter(row => row.topic === topic).map(row => [row.id, row]))
    const unknown: Row[] = []
    // A record that was published again stands on the topic twice and in the archive under one id.
    const seen = new Set<string>()
    const settledMs = Date.now() - settle * 1_000
    await readTopic(kafka, {
      topic,
      from: since,
      stallMs: operation.timeoutMs,
      signal: operation.signal,
      onRecord({ key, headers, timestamp }) {
        const id = headers[header.id] ?? ''
        const isKnown = archived.delete(id) || seen.has(id)
        seen.add(id)
        const isOfNow = timestamp.getTime() > settledMs || timestamp < since
        if (isKnown || isOfNow) return
        unknown.push({ problem: 'not archived', topic, key, id })
      },
    })
    for (const { id, key } of archived.values())
      rows.push({ problem: 'not on topic', topic, key, id })
    rows.push(...unknown)
  }
  return rows
}
