import {
  frameText,
  heartbeat,
  retryText,
  type StreamLife,
} from '@campus/platform/http/event-frames'
import type { OrderView } from '../checkout/order-view.ts'
import { isOpen } from '../returns/return.ts'
import type { Seat } from './seats.ts'

// The text of one stream. A reader that is slow misses versions, and never sees one twice.

/** What a stream is made of. */
export interface StreamParts extends StreamLife {
  readonly seat: Seat
  /** Version that the client has; 0 for none. */
  readonly seen: number
  readonly heartbeatMs: number
  readonly load: () => Promise<OrderView>
}

/** Whether nothing more is to come of an order: no refund and no return is under way. */
export function hasEnded({ state, refunds, returns }: OrderView): boolean {
  if (state === 'cancelled') return true
  const isRefunding = refunds.some(refund => refund.state === 'pending')
  return state === 'completed' && !isRefunding && !returns.some(isOpen)
}

/**
 * The version of the order that a client has.
 *
 * @param header `Last-Event-ID` as it came
 * @param version of the order now
 * @returns 0 for a client that says nothing, nonsense or a version that never was
 */
export function seenVersion(header: string | undefined, version: number): number {
  if (header === undefined || !/^\d{1,9}$/.test(header)) return 0
  const seen = Number(header)
  return seen <= version ? seen : 0
}

/** The text of a stream, piece by piece. */
export async function* framesOf(parts: StreamParts): AsyncGenerator<string> {
  const { seat, over, heartbeatMs, load } = parts
  // Answers at once also where there is nothing new to show: whoever forwards it waits for the first byte.
  yield retryText()
  seat.known = parts.seen
  while (!over.aborted) {
    const view = await load()
    if (view.version > seat.known) {
      seat.known = view.version
      yield frameText({ event: 'order', id: view.version, data: view })
    }
    if (hasEnded(view)) {
      yield frameText({ event: 'end', data: { reason: 'order_ended' } })
      return
    }
    const isNews = await seat.rung(heartbeatMs, over)
    if (!isNews && !over.aborted) yield heartbeat
  }
  yield frameText({ event: 'end', data: { reason: parts.endReason() } })
}
