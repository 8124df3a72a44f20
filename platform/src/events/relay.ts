import { header } from '@campus/contracts/envelope'
import { sql } from 'drizzle-orm'
import { v7 } from 'uuid'
import type { Postgres } from '../data/postgres.ts'
import type { Logger } from '../process/logger.ts'
import type { Metrics } from '../process/metrics.ts'
import { withSpan } from '../process/tracing.ts'
import { createFloor } from './floor.ts'
import type { Kafka } from './kafka.ts'
import { createLanes, type Lanes, leaseMs } from './lanes.ts'
import { murmur2 } from './murmur2.ts'
import { outboxSignal } from './outbox.ts'
import { sendAttributes } from './spans.ts'

// The relay moves committed outbox rows to Kafka. It owns lanes by leases (lanes.ts) and repeats
// rounds of: read the oldest rows of its lanes, send one batch per topic and partition, compare the
// acknowledgements with what was sent, and settle: delete and archive what was acknowledged, only in
// lanes that are still owned in the epoch in which the row was read.
//
// Inside an aggregate the first copy of every event is in order: the version lock makes seq order
// commit order, one owner a lane sends in seq order, and an owner that slept past its lease can only
// repeat, in order, what its successor sends in order too. Nothing is lost, because there is no
// cursor: a row that commits late with a low seq is simply still there.

const readMax = 500
const pollMs = 1_000
/** Commits within this time share one round. */
const coalesceMs = 5
const backOffMs = { first: 100, max: 5_000 }

interface OutboxRow extends Record<string, unknown> {
  readonly seq: number
  readonly event_id: string
  readonly lane: number
  readonly topic: string
  readonly aggregate_key: string
  readonly aggregate_version: number
  readonly payload: string | null
  readonly headers: Record<string, string>
  readonly created_at: string
}

interface Settled {
  readonly row: OutboxRow
  readonly epoch: number
  readonly partition: number
  readonly offset: bigint
}

export interface RelayOptions {
  readonly postgres: Postgres
  readonly kafka: Kafka
  readonly service: string
  readonly logger: Logger
  readonly metrics: Metrics
}

export interface Relay {
  start(): void
  /** Finishes the round in work and gives the lanes back. */
  stop(): Promise<void>
}

/** @see docs/events.md */
export function createRelay(options: RelayOptions): Relay {
  const { postgres, kafka, service, logger, metrics } = options
  const owner = `${service}-${process.pid}-${v7()}`
  const lanes = createLanes({ postgres, owner, untilIdle: () => inFlight })
  const meters = relayMeters(metrics, postgres, lanes)
  const backOff = new Map<number, { ms: number; untilMs: number }>()
  let isStopping = false
  let wake: () => void = () => undefined
  /** Everything of a lane up to this seq is published; a lane that is not in it starts from 0. */
  const floors = new Map<number, number>()
  let inFlight: Promise<void> = Promise.resolve()
  const floor = createFloor(postgres)
  // A commit during a round is remembered: its row may have been too late for the round's read.
  let isDirty = false
  const onCommitted = () => {
    isDirty = true
    wake()
  }

  async function sleep(ms: number): Promise<void> {
    await new Promise<void>(resolve => {
      const timer = setTimeout(resolve, isDirty ? coalesceMs : ms)
      wake = () => {
        clearTimeout(timer)
        setTimeout(resolve, isStopping ? 0 : coalesceMs)
      }
    })
    wake = () => undefined
  }

  function readyLanes(): number[] {
    const now = performance.now()
    return lanes
      .owned()
      .filter(lane => lanes.epochOf(lane) !== undefined)
      .filter(lane => (backOff.get(lane)?.untilMs ?? 0) <= now)
  }

  /** @returns whether there may be more rows at once */
  async function round(): Promise<boolean> {
    isDirty = false
    const ready = readyLanes()
    // A lane that was away may hold rows below the floor of the others: order forbids to skip them.
    for (const lane of floors.keys()) if (!ready.includes(lane)) floors.delete(lane)
    if (ready.length === 0) return false
    const settledSeq = await floor.settledSeq()
    const from = Math.min(...ready.map(lane => floors.get(lane) ?? 0))
    const { rows } = await postgres.read(tx =>
      tx.execute<OutboxRow>(sql`
        select seq, event_id, lane, topic, aggregate_key, aggregate_version, payload::text as payload,
          headers, to_char(created_at at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') as created_at
        from outbox where lane = any(${sql.param(ready)}::smallint[]) and seq > ${from}
        order by seq limit ${readMax}`),
    )
    if (rows.length === 0) {
      for (const lane of ready) floors.set(lane, settledSeq)
      return false
    }
    const settled = (await Promise.all((await groups(rows)).map(send))).flat()
    await settle(settled)
    if (settled.length < rows.length) floors.clear()
    else {
      const read = rows.length === readMax ? (rows.at(-1)?.seq ?? 0) : settledSeq
      for (const lane of ready) floors.set(lane, Math.min(read, settledSeq))
    }
    return rows.length === readMax || settled.length < rows.length
  }

  async function groups(rows: readonly OutboxRow[]) {
    const found = new Map<string, { topic: string; partition: number; rows: OutboxRow[] }>()
    for (const row of rows) {
      const partition = murmur2(row.aggregate_key) % (await kafka.partitions(row.topic))
      const name = `${row.topic} ${partition}`
      const group = found.get(name) ?? { topic: row.topic, partition, rows: [] }
      found.set(name, group)
      group.rows.push(row)
    }
    return [...found.values()]
  }

  async function send(group: {
    topic: string
    partition: number
    rows: OutboxRow[]
  }): Promise<Settled[]> {
    const { topic, partition } = group
    // Asked right before the send: a lease that ended meanwhile belongs to somebody else.
    const rows = group.rows.flatMap(row => {
      const epoch = lanes.epochOf(row.lane)
      return epoch === undefined ? [] : [{ row, epoch }]
    })
    if (rows.length === 0) return []
    const contexts = rows.map(({ row }) => row.headers[header.traceparent] ?? '')
    try {
      const base = await withSpan(
        `send ${topic}`,
        'client',
        sendAttributes(topic, partition, rows.length),
        () =>
          kafka.send(
            topic,
            partition,
            rows.map(({ row }) => toRecord(row)),
          ),
        undefined,
        contexts,
      )
      for (const { row } of rows) backOff.delete(row.lane)
      return rows.map(({ row, epoch }, i) => ({ row, epoch, partition, offset: base + BigInt(i) }))
    } catch (error) {
      meters.failures.inc({ topic })
      for (const lane of new Set(rows.map(({ row }) => row.lane))) {
        const ms = Math.min((backOff.get(lane)?.ms ?? backOffMs.first / 2) * 2, backOffMs.max)
        backOff.set(lane, { ms, untilMs: performance.now() + ms })
      }
      logger.warn({ err: error, topic, partition, count: rows.length }, 'events not published yet')
      return []
    }
  }

  async function settle(settled: readonly Settled[]): Promise<void> {
    if (settled.length === 0) return
    const column = <T>(of: (one: Settled) => T) => sql.param(settled.map(of))
    await postgres.read(tx =>
      tx.execute(sql`
        with gone as (
          delete from outbox o
          using unnest(
            ${column(s => s.row.seq)}::bigint[], ${column(s => s.epoch)}::bigint[],
            ${column(s => s.partition)}::int[], ${column(s => String(s.offset))}::bigint[]
          ) a(seq, epoch, partition, off), outbox_lane l
          where o.seq = a.seq and l.lane = o.lane and l.owner = ${owner} and l.epoch = a.epoch
          returning o.*, now(), a.partition, a.off)
        insert into outbox_archive select * from gone`),
    )
    const now = Date.now()
    for (const { row } of settled) {
      meters.published.inc({ topic: row.topic })
      meters.latency.observe((now - Date.parse(row.created_at)) / 1000)
    }
  }

  async function keepLeases(): Promise<void> {
    while (!isStopping) {
      await lanes.renew().then(wake, (error: unknown) => {
        logger.warn({ err: error }, 'outbox lanes not renewed')
      })
      await new Promise<void>(resolve => {
        stopLeases = resolve
        setTimeout(resolve, leaseMs / 3).unref()
      })
    }
  }
  let stopLeases: () => void = () => undefined

  async function keepPublishing(): Promise<void> {
    while (!isStopping) {
      try {
        const working = round()
        inFlight = working.then(
          () => undefined,
          () => undefined,
        )
        const hasMore = await working
        if (!hasMore && !isStopping) await sleep(nextPollMs())
        else if (readyLanes().length === 0) await sleep(backOffMs.first)
      } catch (error) {
        logger.warn({ err: error }, 'outbox round failed')
        await sleep(pollMs)
      }
    }
  }

  function nextPollMs(): number {
    const soonest = Math.min(...[...backOff.values()].map(b => b.untilMs - performance.now()))
    return Math.max(1, Math.min(pollMs, soonest))
  }

  let running: Promise<unknown> = Promise.resolve()
  return {
    start() {
      outboxSignal.on('committed', onCommitted)
      running = Promise.all([keepLeases(), keepPublishing()])
    },
    async stop() {
      isStopping = true
      outboxSignal.off('committed', onCommitted)
      stopLeases()
      wake()
      await running
      await lanes.release().catch((error: unknown) => {
        logger.warn({ err: error }, 'outbox lanes not released; their leases end by themselves')
      })
    },
  }
}

function toRecord(row: OutboxRow) {
  return {
    key: row.aggregate_key,
    value: row.payload,
    timestamp: new Date(row.created_at),
    headers: {
      ...row.headers,
      [header.time]: row.created_at,
      [header.version]: String(row.aggregate_version),
    },
  }
}

function relayMeters(metrics: Metrics, postgres: Postgres, lanes: Lanes) {
  metrics.gauge('outbox_pending', 'Events committed but not published.', [], async gauge => {
    const { rows } = await postgres.read(tx =>
      tx.execute<{ pending: number; oldest: number }>(sql`
        select count(*) as pending,
          coalesce(extract(epoch from now() - min(created_at)), 0)::float8 as oldest from outbox`),
    )
    gauge.set(rows[0]?.pending ?? 0)
    oldest.set(rows[0]?.oldest ?? 0)
  })
  const oldest = metrics.gauge('outbox_oldest_seconds', 'Age of the oldest unpublished event.')
  metrics.gauge('relay_lanes_owned', 'Outbox lanes of this replica.', [], gauge => {
    gauge.set(lanes.owned().length)
  })
  return {
    published: metrics.counter('outbox_published_total', 'Events published.', ['topic']),
    failures: metrics.counter('relay_send_failures_total', 'Batches to repeat.', ['topic']),
    latency: metrics.histogram('outbox_publish_seconds', 'From commit to settled.'),
  }
}
