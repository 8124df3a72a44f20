import { sql } from 'drizzle-orm'
import type { Postgres, Tx } from '../data/postgres.ts'
import { laneCount } from './outbox.ts'

/** How long a lease holds without renewal, on the database's clock. */
export const leaseMs = 5_000

/** A send may take this long; a lease with less left is not used. */
const reserveMs = 1_000

interface Held {
  /** Raised by each change of owner: work of an older epoch settles nothing. */
  readonly epoch: number
  /** On this process's monotonic clock, earlier than the lease's end in the database. */
  readonly untilMs: number
}

/** The lanes that this replica owns. */
export interface Lanes {
  /** Epoch of a lane whose lease is long enough for a send; undefined otherwise. */
  epochOf(lane: number): number | undefined
  owned(): number[]
  /** Renews, takes what is free up to the fair share, gives surplus back. */
  renew(): Promise<void>
  /** Gives all lanes back, so that another replica need not wait for the leases to end. */
  release(): Promise<void>
}

/**
 * Leases of outbox lanes. One owner a lane sends its events in order; the database's clock decides
 * who owns, and this process trusts its own belief only until a moment measured before it asked.
 */
export function createLanes(options: {
  readonly postgres: Postgres
  readonly owner: string
  /** Resolves once no send that began before is still in flight. */
  readonly untilIdle: () => Promise<void>
}): Lanes {
  const { postgres, owner } = options
  let held = new Map<number, Held>()

  return {
    epochOf(lane) {
      const lease = held.get(lane)
      return lease !== undefined && lease.untilMs - performance.now() > reserveMs
        ? lease.epoch
        : undefined
    },
    owned: () => [...held.keys()],
    async renew() {
      const untilMs = performance.now() + leaseMs
      const { lanes, share } = await postgres.transaction(tx => claim(tx, owner))
      const kept = lanes.slice(0, share)
      held = new Map(kept.map(({ lane, epoch }) => [lane, { epoch, untilMs }]))
      const surplus = lanes.slice(share).map(({ lane }) => lane)
      if (surplus.length === 0) return
      // What is being sent must arrive before the next owner's first send.
      await options.untilIdle()
      await postgres.read(tx => giveBack(tx, owner, surplus))
    },
    async release() {
      held = new Map()
      await postgres.transaction(async tx => {
        await tx.execute(sql`delete from relay_replica where owner = ${owner}`)
        await tx.execute(sql`update outbox_lane set owner = null, lease_until = '-infinity'
          where owner = ${owner}`)
      })
    },
  }
}

interface LaneRow extends Record<string, unknown> {
  readonly lane: number
  readonly epoch: number
}

async function claim(tx: Tx, owner: string): Promise<{ lanes: LaneRow[]; share: number }> {
  const lease = sql`now() + make_interval(secs => ${leaseMs / 1000})`
  const { rows: replicas } = await tx.execute<{ alive: number }>(sql`
    with me as (
      insert into relay_replica (owner, alive_until) values (${owner}, ${lease})
      on conflict (owner) do update set alive_until = excluded.alive_until
    ), gone as (
      delete from relay_replica where alive_until < now() - interval '1 minute'
    )
    select count(*) + 1 as alive from relay_replica where owner <> ${owner} and alive_until > now()`)
  const share = Math.ceil(laneCount / (replicas[0]?.alive ?? 1))
  // A lease that ended but was not taken keeps its epoch: nobody else has owned the lane since.
  await tx.execute(sql`update outbox_lane set lease_until = ${lease} where owner = ${owner}`)
  await tx.execute(sql`
    update outbox_lane set owner = ${owner}, epoch = epoch + 1, lease_until = ${lease}
    where lane in (
      select lane from outbox_lane
      where owner is distinct from ${owner} and lease_until < now()
      order by lane limit (
        select greatest(0, ${share} - count(*)) from outbox_lane where owner = ${owner})
      for update skip locked)`)
  const { rows } = await tx.execute<LaneRow>(
    sql`select lane, epoch from outbox_lane where owner = ${owner} order by lane`,
  )
  return { lanes: rows, share }
}

async function giveBack(tx: Tx, owner: string, lanes: readonly number[]): Promise<void> {
  await tx.execute(sql`update outbox_lane set owner = null, lease_until = '-infinity'
    where owner = ${owner} and lane = any(${sql.param([...lanes])}::smallint[])`)
}
