import { sql } from 'drizzle-orm'
import type { Postgres } from '../data/postgres.ts'
import type { IncomingRecord } from './kafka-record.ts'
import type { ParkReason } from './park.ts'

// Killer events end the process or hang it for ever, so no error tells of them. What tells is where a
// partition begins again: the same first offset twice in a row means that somebody began there before
// and did not come any further. The partition is then worked on in solo mode for a while: an attempt is
// committed before each handler, and an event that was attempted too often parks its key.

/** Events of a partition that are handled with an attempt noted before each. */
const soloEvents = 50
const attemptsMax = 5

export interface Solo {
  /** Notes where a partition begins after this process was given it. */
  begin(record: IncomingRecord): Promise<void>
  /** Every partition may begin anew: the group has changed. */
  forget(): void
  /** Whether records of this partition are to be applied one by one, with `attempt` before each. */
  isSolo(topic: string, partition: number): boolean
  /** Counts one more event of a partition in solo mode. */
  passed(topic: string, partition: number): void
  /** @returns why the event must be parked now; undefined: it may be attempted */
  attempt(consumer: string, eventId: string): Promise<ParkReason | undefined>
  /** The attempt has ended, well or not: it did not kill anybody. */
  survived(consumer: string, eventId: string): Promise<void>
}

/** Watches the partitions of one consumer group in one process. */
export function createSolo(postgres: Postgres, group: string): Solo {
  const begun = new Set<string>()
  const left = new Map<string, number>()
  const nameOf = (topic: string, partition: number) => `${topic} ${partition}`

  return {
    async begin({ topic, partition, offset }) {
      const name = nameOf(topic, partition)
      if (begun.has(name)) return
      const { rows } = await postgres.read(tx =>
        tx.execute<{ times: number }>(sql`
          insert into consumer_assignment as a (consumer_group, topic, partition, first_offset, times)
          values (${group}, ${topic}, ${partition}, ${String(offset)}::bigint, 1)
          on conflict (consumer_group, topic, partition) do update set
            times = case when a.first_offset = excluded.first_offset then a.times + 1 else 1 end,
            first_offset = excluded.first_offset
          returning times`),
      )
      begun.add(name)
      if ((rows[0]?.times ?? 1) > 1) left.set(name, soloEvents)
    },
    forget() {
      begun.clear()
    },
    isSolo: (topic, partition) => left.has(nameOf(topic, partition)),
    passed(topic, partition) {
      const name = nameOf(topic, partition)
      const remaining = (left.get(name) ?? 0) - 1
      if (remaining > 0) left.set(name, remaining)
      else left.delete(name)
    },
    async attempt(consumer, eventId) {
      const { rows } = await postgres.read(tx =>
        tx.execute<{ attempts: number }>(sql`
          insert into solo_attempt as s (consumer, event_id, attempts)
          values (${consumer}, ${eventId}, 1)
          on conflict (consumer, event_id) do update set attempts = s.attempts + 1
          returning attempts`),
      )
      const attempts = rows[0]?.attempts ?? 1
      // The row of this try is the fifth when four before it ended their process.
      if (attempts < attemptsMax) return undefined
      return {
        errorClass: 'crash',
        error: `${attempts - 1} attempts to handle this event ended the process or never came back.`,
        attempts: attempts - 1,
      }
    },
    async survived(consumer, eventId) {
      await postgres.read(tx =>
        tx.execute(
          sql`delete from solo_attempt where consumer = ${consumer} and event_id = ${eventId}`,
        ),
      )
    },
  }
}
