import type { Postgres } from './data/postgres.ts'
import { keepPartitions } from './events/inbox.ts'
import { sweepIdempotencyKeys } from './http/idempotency.ts'
import { defineJob, type Job } from './process/jobs.ts'

const archiveDays = 7

/** The jobs that every service with a database has. */
export function housekeepingJobs(
  postgres: Postgres,
  { inboxDays }: { readonly inboxDays: number },
): Job[] {
  return [
    defineJob({
      name: 'event-partitions',
      periodMs: 3_600_000,
      run: () =>
        postgres.transaction(tx => keepPartitions(tx, { inbox: inboxDays, archive: archiveDays })),
    }),
    defineJob({
      name: 'idempotency-keys',
      periodMs: 600_000,
      run: async ({ now }) => {
        await postgres.transaction(tx => sweepIdempotencyKeys(tx, now))
      },
    }),
  ]
}
