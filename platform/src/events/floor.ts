import { sql } from 'drizzle-orm'
import type { Postgres } from '../data/postgres.ts'

// The relay deletes what it has published. While somebody holds an old snapshot the index entries of
// deleted rows cannot be removed, and each round would read through all of them again. A floor,
// "nothing below this seq is left", lets a round skip them.
//
// The highest seq published so far is no such floor: a row with a lower seq may still commit, and the
// next event of its aggregate, whose seq is higher, would overtake it. A seq is settled when every
// transaction that could have taken it or a lower one has ended. `emit` writes before it draws from
// the sequence, so such a transaction had its id before the sequence was read here.
// See docs/adr/0003-relay-floor.md.

const askEveryMs = 1_000

export interface Floor {
  /** No row up to this seq can appear any more. Lags a second or two behind. */
  settledSeq(): Promise<number>
}

export function createFloor(postgres: Postgres): Floor {
  let settled = 0
  let candidate: { readonly seq: number; readonly xmax: bigint } | undefined
  let askedAtMs = Number.NEGATIVE_INFINITY

  return {
    async settledSeq() {
      if (performance.now() - askedAtMs < askEveryMs) return settled
      askedAtMs = performance.now()
      return postgres.read(async tx => {
        // Two statements: the snapshot must be younger than the sequence's value. A sequence that was
        // never drawn from already shows its first value.
        const sequence = await tx.execute<{ seq: number }>(
          sql`select case when is_called then last_value else 0 end as seq from outbox_seq_seq`,
        )
        const snapshot = await tx.execute<{ xmin: string; xmax: string }>(sql`
          select pg_snapshot_xmin(s)::text as xmin, pg_snapshot_xmax(s)::text as xmax
          from pg_current_snapshot() s`)
        const xmin = BigInt(snapshot.rows[0]?.xmin ?? 0)
        if (candidate !== undefined && xmin >= candidate.xmax) {
          settled = candidate.seq
          candidate = undefined
        }
        candidate ??= {
          seq: sequence.rows[0]?.seq ?? 0,
          xmax: BigInt(snapshot.rows[0]?.xmax ?? 0),
        }
        return settled
      })
    },
  }
}
