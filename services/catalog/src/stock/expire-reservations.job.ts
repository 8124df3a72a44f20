import type { Postgres } from '@campus/platform/data/postgres'
import { defineJob } from '@campus/platform/process/jobs'
import { lockExpired } from './reservation.store.ts'
import type { AskForStock } from './serve-orders.command.ts'

const expiredMax = 200

/** Lets go of stock that was held too long (C4). */
export function expireReservationsJob(postgres: Postgres, ask: AskForStock, periodMs: number) {
  return defineJob({
    name: 'catalog.expire-reservations',
    periodMs,
    run: ({ now }) =>
      postgres.transaction(async tx => {
        const expired = await lockExpired(tx, now, expiredMax)
        for (const orderId of expired) ask(tx, { kind: 'expire', orderId }, now)
        return expired.length === expiredMax
      }),
  })
}
