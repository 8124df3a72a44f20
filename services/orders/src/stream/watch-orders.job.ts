import type { OrderId } from '@campus/contracts/ids'
import { defineJob } from '@campus/platform/process/jobs'
import type { Seats, Watcher } from './seats.ts'

interface Deps {
  readonly seats: Seats
  readonly isRevoked: (watcher: Watcher) => boolean
  readonly versionsOf: (
    orderIds: readonly OrderId[],
  ) => Promise<readonly { readonly id: OrderId; readonly version: number }[]>
}

/**
 * Looks whether orders that are watched here were changed by another replica, and ends the streams of
 * sessions that are over. One query, whatever the number of streams.
 */
export function watchOrdersJob({ seats, isRevoked, versionsOf }: Deps, periodMs: number) {
  return defineJob({
    name: 'orders.watch-orders',
    periodMs,
    async run() {
      for (const seat of seats.all()) if (isRevoked(seat.watcher)) seat.end()
      // As many as there are streams at most.
      const watched = [...new Set(seats.all().map(({ orderId }) => orderId))]
      if (watched.length === 0) return
      const versions = new Map((await versionsOf(watched)).map(({ id, version }) => [id, version]))
      for (const seat of seats.all()) {
        if ((versions.get(seat.orderId) ?? 0) > seat.known) seat.ring()
      }
    },
  })
}
