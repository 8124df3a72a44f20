import type { Postgres } from '@campus/platform/data/postgres'
import { defineJob } from '@campus/platform/process/jobs'
import type { Gauge } from '@campus/platform/process/metrics'
import { countStuck } from './order.store.ts'

const periodMs = 30_000

/** Keeps `orders_stuck` up to date, which an alert looks at. */
export function countStuckJob(postgres: Postgres, gauge: Gauge<never>) {
  return defineJob({
    name: 'orders.count-stuck',
    periodMs,
    async run() {
      gauge.set(await postgres.read(countStuck))
    },
  })
}
