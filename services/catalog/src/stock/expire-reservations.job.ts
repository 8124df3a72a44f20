import type { VariantId } from '@campus/contracts/ids'
import type { Postgres } from '@campus/platform/data/postgres'
import { emit } from '@campus/platform/events/outbox'
import { defineJob } from '@campus/platform/process/jobs'
import { lockExpired, saveReservation } from './reservation.store.ts'
import { decideExpiry } from './reservation.ts'
import { changeReserved, lockAvailable } from './stock.store.ts'
import { tellAvailability } from './tell-availability.command.ts'

const expiredMax = 200

/** Lets go of stock that was held too long (C4). */
export function expireReservationsJob(postgres: Postgres, periodMs: number) {
  return defineJob({
    name: 'catalog.expire-reservations',
    periodMs,
    run: ({ now }) =>
      postgres.transaction(async tx => {
        const expired = await lockExpired(tx, now, expiredMax)
        const steps = expired.map(found => ({ found, decided: decideExpiry(found, now) }))
        const freed = new Map<VariantId, number>()
        for (const { decided } of steps) {
          for (const [variantId, delta] of decided.reserve) {
            freed.set(variantId, (freed.get(variantId) ?? 0) + delta)
          }
        }
        await lockAvailable(tx, [...freed.keys()])
        await tellAvailability(tx, await changeReserved(tx, freed))
        for (const { found, decided } of steps) {
          await saveReservation(tx, found, decided.reservation, now)
        }
        emit(tx, ...steps.flatMap(({ decided }) => decided.answer ?? []))
        return expired.length === expiredMax
      }),
  })
}
