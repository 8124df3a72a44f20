import { reservationExpired } from '@campus/contracts/events/catalog'
import type { VariantId } from '@campus/contracts/ids'
import type { Postgres } from '@campus/platform/data/postgres'
import { emit } from '@campus/platform/events/outbox'
import { defineJob } from '@campus/platform/process/jobs'
import { lockExpired, saveState } from './reservation.store.ts'
import { wantedOf } from './reservation.ts'
import { changeReserved, lockAvailable } from './stock.store.ts'

const expiredMax = 200

/** Lets go of stock that was held too long (C4). */
export function expireReservationsJob(postgres: Postgres, periodMs: number) {
  return defineJob({
    name: 'catalog.expire-reservations',
    periodMs,
    run: ({ now }) =>
      postgres.transaction(async tx => {
        const expired = await lockExpired(tx, now, expiredMax)
        const freed = new Map<VariantId, number>()
        for (const { lines } of expired) {
          for (const [variantId, quantity] of wantedOf(lines)) {
            freed.set(variantId, (freed.get(variantId) ?? 0) - quantity)
          }
        }
        await lockAvailable(tx, [...freed.keys()])
        await changeReserved(tx, freed)
        for (const { id } of expired) await saveState(tx, id, 'expired', now)
        await emit(
          tx,
          ...expired.map(({ id, orderId }) =>
            reservationExpired.of({ orderId, reservationId: id }),
          ),
        )
        return expired.length === expiredMax
      }),
  })
}
