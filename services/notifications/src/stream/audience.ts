import type { SessionId, UserId } from '@campus/contracts/ids'
import { createBell } from '@campus/platform/http/bell'

// Who listens in this process. A ring only says that a look is worthwhile: it may be lost or come twice,
// and the version of the list decides whether there is news.

/** One open stream. */
export interface Seat {
  /** Version of the list up to which this stream has looked; its owner keeps it. */
  known: number
  /** Aborted when its session is over. */
  readonly ended: AbortSignal
  /**
   * Waits until the list is newer than `known`; a ring that came before counts.
   *
   * @returns false when `timeoutMs` are over or `signal` is aborted
   */
  rung(timeoutMs: number, signal: AbortSignal): Promise<boolean>
  leave(): void
}

/** The open streams of this process. */
export interface Audience {
  /** Undefined when this person has `perUserMax` streams, or all have `max`. */
  join(listener: { readonly userId: UserId; readonly sid: SessionId }): Seat | undefined
  /** The list of somebody has reached `version`. */
  ring(userId: UserId, version: number): void
  /** A session is over. */
  end(sid: SessionId): void
  /** Everybody who listens. */
  users(): UserId[]
  readonly size: number
}

interface Listener extends Seat {
  readonly sid: SessionId
  ring(version: number): void
  end(): void
}

/** Creates an empty audience. */
export function createAudience({
  perUserMax,
  max,
}: {
  readonly perUserMax: number
  readonly max: number
}): Audience {
  const seats = new Map<UserId, Set<Listener>>()
  let size = 0

  return {
    join({ userId, sid }) {
      const own = seats.get(userId) ?? new Set<Listener>()
      if (own.size >= perUserMax || size >= max) return undefined
      const listener = newListener(sid, () => {
        if (!own.delete(listener)) return
        size -= 1
        if (own.size === 0) seats.delete(userId)
      })
      own.add(listener)
      seats.set(userId, own)
      size += 1
      return listener
    },
    ring(userId, version) {
      for (const listener of seats.get(userId) ?? []) listener.ring(version)
    },
    end(sid) {
      for (const own of seats.values()) {
        for (const listener of own) if (listener.sid === sid) listener.end()
      }
    },
    users: () => [...seats.keys()],
    get size() {
      return size
    },
  }
}

function newListener(sid: SessionId, leave: () => void): Listener {
  const over = new AbortController()
  const bell = createBell()
  let heard = 0
  return {
    sid,
    known: 0,
    ended: over.signal,
    ring(version) {
      heard = Math.max(heard, version)
      if (heard > this.known) bell.ring()
    },
    end: () => over.abort(),
    leave,
    async rung(timeoutMs, signal) {
      // A ring may have been for what was read meanwhile.
      for (let isRung = true; isRung && heard <= this.known; ) {
        // oxlint-disable-next-line no-await-in-loop -- one ring after the other is the point.
        isRung = await bell.heard(timeoutMs, signal)
      }
      return heard > this.known
    },
  }
}
