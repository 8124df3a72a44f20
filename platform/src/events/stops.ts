import { sql } from 'drizzle-orm'
import type { Postgres } from '../data/postgres.ts'
import type { Logger } from '../process/logger.ts'
import { createParkingLimit, type ParkingLimit } from './parking-limit.ts'

/** Which consumers must not go on: one fact for all replicas, kept in the database. */
export interface Stops {
  /** @returns why a consumer is stopped; undefined while it may work */
  reasonOf(consumer: string): string | undefined
  /** Counts what a consumer did, and stops it when it parks too much. */
  note(consumer: string, counts: { applied: number; parked: number }): Promise<void>
  /** Reads what other replicas and operators have decided. */
  refresh(): Promise<void>
}

export function createStops(postgres: Postgres, logger: Logger): Stops {
  const limits = new Map<string, ParkingLimit>()
  let stopped = new Map<string, string>()

  function limitOf(consumer: string): ParkingLimit {
    const limit = limits.get(consumer) ?? createParkingLimit()
    limits.set(consumer, limit)
    return limit
  }

  return {
    reasonOf: consumer => stopped.get(consumer),
    async note(consumer, counts) {
      const limit = limitOf(consumer)
      limit.note(counts, Date.now())
      if (counts.parked === 0) return
      const reason = limit.exceeded(Date.now())
      if (reason === undefined || stopped.has(consumer)) return
      logger.fatal({ consumer, reason }, 'consumer stopped; resume it once the cause is mended')
      stopped.set(consumer, reason)
      await postgres.read(tx =>
        tx.execute(sql`
          insert into consumer_state (consumer, stopped_at, stop_reason)
          values (${consumer}, now(), ${reason})
          on conflict (consumer) do update
            set stopped_at = now(), stop_reason = excluded.stop_reason`),
      )
    },
    async refresh() {
      const { rows } = await postgres.read(tx =>
        tx.execute<{ consumer: string; reason: string }>(sql`
          select consumer, coalesce(stop_reason, 'paused') as reason from consumer_state
          where stopped_at is not null or paused_until > now()`),
      )
      const next = new Map(rows.map(({ consumer, reason }) => [consumer, reason]))
      for (const consumer of stopped.keys()) if (!next.has(consumer)) limitOf(consumer).clear()
      stopped = next
    },
  }
}
