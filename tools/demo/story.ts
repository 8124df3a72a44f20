import { setTimeout as delay } from 'node:timers/promises'
import type { Tx } from '@campus/platform/data/postgres'
import { sql } from 'drizzle-orm'
import type { Addresses } from '../operate/addresses.ts'
import { traceStory } from '../operate/events/trace.ts'
import { type Operation, openOperation } from '../operate/operation.ts'
import type { Cell, Output, Row } from '../operate/output.ts'
import { acrossSchemas, table } from '../operate/schemas.ts'

/** One event or effect of a story, as `campus events trace` tells it, with its place on the topic. */
export interface Happening {
  readonly at: string
  readonly service: string
  /** Type of an event, or kind of an effect. */
  readonly what: string
  readonly subject: string
  readonly topic: string | null
  readonly partition: number | null
  /** As decimal digits: offsets are 64 bits wide. */
  readonly offset: string | null
  /** Who has applied the event, or how the effect ended. */
  readonly outcome: string
}

/** The rest of a story comes a moment after its mail. */
const settleMs = 5_000

/** Reads what happened in a story, once all of it has been published and applied. */
export async function readStory(addresses: Addresses, story: string): Promise<Happening[]> {
  const told: Row[] = []
  const output: Output = {
    isJson: true,
    table: rows => void told.splice(0, told.length, ...rows),
    record: () => undefined,
    say: () => undefined,
    warn: () => undefined,
  }
  const opened = openOperation(addresses, {
    output,
    timeoutMs: 30_000,
    signal: AbortSignal.timeout(60_000),
  })
  try {
    const until = performance.now() + settleMs
    let known = -1
    for (;;) {
      await traceStory(opened.operation, story, {})
      const isSettled = told.length === known && told.every(isOver)
      if (isSettled || performance.now() > until) return await placed(opened.operation, told)
      known = told.length
      await delay(250)
    }
  } finally {
    await opened.close()
  }
}

/** Published, and an effect no longer on its way. */
function isOver({ outcome }: Row): boolean {
  return !/^not published|^pending|^sending/.test(text(outcome))
}

interface Place extends Record<string, unknown> {
  readonly id: string
  readonly topic: string
  readonly partition: number
  readonly offset: string
}

async function placed(operation: Operation, told: readonly Row[]): Promise<Happening[]> {
  const ids = told.map(({ id }) => text(id))
  const places = await operation.postgres().read(async tx => placesOf(tx, ids))
  const byId = new Map(places.map(place => [place.id, place]))
  return told.map(({ id, at, service, what, subject, outcome }) => {
    const place = byId.get(text(id))
    return {
      at: text(at),
      service: text(service),
      what: text(what),
      subject: text(subject),
      topic: place?.topic ?? null,
      partition: place?.partition ?? null,
      offset: place?.offset ?? null,
      outcome: text(outcome),
    }
  })
}

async function placesOf(tx: Tx, ids: readonly string[]): Promise<Place[]> {
  return acrossSchemas(tx, async schema => {
    const { rows } = await tx.execute<Place>(sql`
      select event_id as id, topic, partition, record_offset::text as "offset"
      from ${table(schema, 'outbox_archive')}
      where event_id = any(${sql.param(ids)}::uuid[])`)
    return rows
  })
}

function text(cell: Cell): string {
  return typeof cell === 'object' && cell !== null ? JSON.stringify(cell) : String(cell ?? '')
}
