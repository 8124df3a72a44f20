import type { OrderId } from '@campus/contracts/ids'
import { createBell } from '@campus/platform/http/bell'

// Who watches an order in this process. A ring only says that a look is worthwhile: it may be lost or
// come twice, and the version of the order decides whether there is news.

/** Who watches, as far as it decides how long. */
export interface Watcher {
  readonly userId: string
  readonly sid: string
  /** Seconds since 1970. */
  readonly issuedAt: number
}

/** One open stream. */
export interface Seat {
  readonly orderId: OrderId
  readonly watcher: Watcher
  /** Version of the order that this stream has shown; its owner keeps it. */
  known: number
  /** Aborted when its session is over. */
  readonly ended: AbortSignal
  ring(): void
  /** Waits for a ring; @returns false when `timeoutMs` are over or `signal` is aborted */
  rung(timeoutMs: number, signal: AbortSignal): Promise<boolean>
  end(): void
  leave(): void
}

/** The open streams of this process. */
export interface Seats {
  /** Undefined when this person has `perUserMax` streams, or all have `max`. */
  take(orderId: OrderId, watcher: Watcher): Seat | undefined
  all(): readonly Seat[]
  readonly size: number
}

/** Creates a room that is empty. */
export function createSeats({
  perUserMax,
  max,
}: {
  readonly perUserMax: number
  readonly max: number
}): Seats {
  const seats = new Set<Seat>()
  const counts = new Map<string, number>()

  return {
    take(orderId, watcher) {
      const { userId } = watcher
      const own = counts.get(userId) ?? 0
      if (own >= perUserMax || seats.size >= max) return undefined
      const over = new AbortController()
      const bell = createBell()
      const seat: Seat = {
        orderId,
        watcher,
        known: 0,
        ended: over.signal,
        ring: () => bell.ring(),
        rung: (timeoutMs, signal) => bell.heard(timeoutMs, signal),
        end: () => over.abort(),
        leave() {
          if (!seats.delete(seat)) return
          const left = (counts.get(userId) ?? 1) - 1
          if (left === 0) counts.delete(userId)
          else counts.set(userId, left)
        },
      }
      seats.add(seat)
      counts.set(userId, own + 1)
      return seat
    },
    all: () => [...seats],
    get size() {
      return seats.size
    },
  }
}
