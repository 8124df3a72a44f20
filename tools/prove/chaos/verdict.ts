import { setTimeout as delay } from 'node:timers/promises'
import { createPostgres, type Postgres } from '@campus/platform/data/postgres'
import { sql } from 'drizzle-orm'
import { auditMesh } from '../audit-mesh.ts'
import type { History } from './history.ts'
import { services } from './schedule.ts'
import type { Site } from './site.ts'

/** How long the mesh may take to come to rest once nothing disturbs it. */
const quietMs = 300_000
const databases = services.filter(name => name !== 'gateway')

/** What a run has shown. */
export interface Verdict {
  /** One sentence per violation; empty: the run has passed. */
  readonly violations: readonly string[]
  /** Orders by their last state. */
  readonly orders: Readonly<Record<string, number>>
  /** From the end of the faults to rest, in milliseconds. */
  readonly quietAfterMs: number
  /** Events that were published, and those that are on a topic more than once. */
  readonly events: number
  /** Mails whose outcome nobody knows, shown to operators instead of being sent twice. */
  readonly ambiguousMails: number
}

/** Waits for rest, then looks for anything that is lost, doubled, stuck or wrong. */
export async function judge(site: Site, history: History): Promise<Verdict> {
  const url = site.mesh.env['DATABASE_URL'] ?? ''
  const postgres = createPostgres({ url, max: 2, applicationName: 'chaos' })
  const beganAt = performance.now()
  try {
    const unrest = await untilQuiet(postgres)
    const quietAfterMs = performance.now() - beganAt
    const violations = [
      ...unrest,
      ...history.contradictions,
      ...(await lostOrders(postgres, history)),
      ...(await wrongStock(postgres, history)),
      ...(await wrongMails(site, postgres)),
      ...(await auditMesh(site.mesh)),
    ]
    return {
      violations,
      orders: await ordersByState(postgres),
      quietAfterMs,
      events: await archived(postgres),
      ambiguousMails: await countOf(
        postgres,
        databases
          .map(
            name =>
              `select id from ${name}.effect where state = 'ambiguous' and kind like '%mail%'`,
          )
          .join(' union all '),
      ),
    }
  } finally {
    await postgres.close()
  }
}

async function untilQuiet(postgres: Postgres): Promise<string[]> {
  const waiting: Readonly<Record<string, string>> = {
    ...Object.fromEntries(
      databases.flatMap(name => [
        [`${name} has events to publish`, `select from ${name}.outbox`],
        [
          `${name} has effects to carry out`,
          `select from ${name}.effect where state = 'sending' or state = 'pending' and next_at < now() + interval '60 s'`,
        ],
      ]),
    ),
    'orders have not ended': `select from orders.orders
      where state not in ('confirmed', 'completed', 'cancelled')`,
  }
  const until = performance.now() + quietMs
  for (;;) {
    const left: string[] = []
    for (const [name, query] of Object.entries(waiting)) {
      const count = await countOf(postgres, query).catch(() => 1)
      if (count > 0) left.push(`After ${quietMs / 1_000} s of quiet ${name}: ${count}`)
    }
    if (left.length === 0 || performance.now() > until) return left
    await delay(1_000)
  }
}

/** Every acknowledged order exists, and every cart has at most one. */
async function lostOrders(postgres: Postgres, { orders }: History): Promise<string[]> {
  const { rows } = await postgres.read(tx =>
    tx.execute<{ id: string }>(sql`select id from orders.orders`),
  )
  const known = new Set(rows.map(({ id }) => id))
  return [...orders].filter(id => !known.has(id)).map(id => `Lost: acknowledged order ${id}`)
}

/** Every acknowledged delivery was booked once. */
async function wrongStock(postgres: Postgres, { delivered }: History): Promise<string[]> {
  const { rows } = await postgres.read(tx =>
    tx.execute<{ units: number }>(sql`select coalesce(sum(delta), 0)::int as units
      from catalog.movement where reason = 'delivery' and delta = 10`),
  )
  const units = rows[0]?.units ?? 0
  const { acknowledged, unknown } = delivered
  return units >= acknowledged && units <= acknowledged + unknown
    ? []
    : [`Deliveries of ${units} units are booked, ${acknowledged} (+ ${unknown}) were acknowledged`]
}

/** No mail came twice, and every mail that counts as sent has come. */
async function wrongMails({ mesh }: Site, postgres: Postgres): Promise<string[]> {
  const ids: string[] = []
  for (let start = 0; ; start += 500) {
    const response = await fetch(`${mesh.inboxUrl}/api/v1/messages?start=${start}&limit=500`)
    const page: { messages: { MessageID: string }[] } = JSON.parse(await response.text())
    ids.push(...page.messages.map(({ MessageID }) => MessageID))
    if (page.messages.length < 500) break
  }
  const distinct = new Set(ids).size
  const sent = await countOf(
    postgres,
    databases
      .map(name => `select id from ${name}.effect where kind like '%mail%' and state = 'sent'`)
      .join(' union all '),
  )
  return [
    ...(distinct < ids.length ? [`${ids.length - distinct} mails came twice`] : []),
    ...(distinct < sent ? [`${sent} mails count as sent, ${distinct} have come`] : []),
  ]
}

async function ordersByState(postgres: Postgres): Promise<Record<string, number>> {
  const { rows } = await postgres.read(tx =>
    tx.execute<{ state: string; n: number }>(
      sql`select state, count(*) as n from orders.orders group by 1 order by 2 desc`,
    ),
  )
  return Object.fromEntries(rows.map(({ state, n }) => [state, n]))
}

async function archived(postgres: Postgres): Promise<number> {
  return countOf(
    postgres,
    databases.map(name => `select event_id from ${name}.outbox_archive`).join(' union all '),
  )
}

async function countOf(postgres: Postgres, query: string): Promise<number> {
  const { rows } = await postgres.read(tx =>
    tx.execute<{ n: number }>(sql.raw(`select count(*) as n from (${query}) q`)),
  )
  return rows[0]?.n ?? 0
}
