import type { OrderView } from '../checkout/order-view.ts'
import { isOpen } from '../returns/return.ts'
import type { Seat } from './seats.ts'

// The text of one stream, in the words of the HTML standard. Each piece is made when the one before it was
// taken, so a reader that is slow costs one view and no more, and never sees a version twice.
//
// https://html.spec.whatwg.org/multipage/server-sent-events.html

/** How long clients wait before they connect again, spread so that they do not come all at once. */
const retryMs = { least: 1_000, spread: 2_000 }

/** A comment that keeps proxies from taking a quiet stream for a dead one. */
const heartbeat = ': still here\n\n'

/** What a stream is made of. */
export interface StreamParts {
  readonly seat: Seat
  /** Aborted when the stream must end. */
  readonly over: AbortSignal
  readonly endReason: () => 'token_expired' | 'session_ended' | 'server_stopping'
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
  yield `retry: ${Math.round(retryMs.least + Math.random() * retryMs.spread)}\n\n`
  seat.known = parts.seen
  while (!over.aborted) {
    const view = await load()
    if (view.version > seat.known) {
      seat.known = view.version
      yield frame('order', view, view.version)
    }
    if (hasEnded(view)) {
      yield frame('end', { reason: 'order_ended' })
      return
    }
    const isNews = await seat.rung(heartbeatMs, over)
    if (!isNews && !over.aborted) yield heartbeat
  }
  yield frame('end', { reason: parts.endReason() })
}

/** JSON has no line breaks outside of its strings, and none inside: one line. */
function frame(event: string, data: object, id?: number): string {
  const lines = [
    ...(id === undefined ? [] : [`id: ${id}`]),
    `event: ${event}`,
    `data: ${JSON.stringify(data)}`,
  ]
  return `${lines.join('\n')}\n\n`
}
