import {
  frameText,
  heartbeat,
  retryText,
  type StreamLife,
} from '@campus/platform/http/event-frames'
import type { UnreadCount } from '../inbox/notification.ts'
import { viewOf } from '../inbox/notification-view.ts'
import type { Seat } from './audience.ts'
import type { Listed } from './listed.ts'

/** Notifications that are read at once; the next ones are read when these were taken. */
const pageMax = 50

/** What a stream is made of. */
export interface StreamParts extends StreamLife {
  readonly seat: Seat
  readonly lastEventId: string | undefined
  readonly locale: string
  readonly heartbeatMs: number
  readonly unread: () => Promise<UnreadCount>
  readonly listedAfter: (seq: number, max: number) => Promise<readonly Listed[]>
}

/**
 * Where a stream goes on.
 *
 * @param header `Last-Event-ID` as it came
 * @param version of the list now
 * @returns the version that the client has seen; now for one that says nothing or nonsense
 */
export function resumeAfter(header: string | undefined, version: number): number {
  if (header === undefined || !/^\d{1,9}$/.test(header)) return version
  return Math.min(Number(header), version)
}

/**
 * The text of one stream, piece by piece. A piece is made when the one before it was taken, so a reader
 * that is slow costs a page of memory and no more.
 */
export async function* framesOf(parts: StreamParts): AsyncGenerator<string> {
  const { seat, over, locale, heartbeatMs } = parts
  let { count, version } = await parts.unread()
  let sent = resumeAfter(parts.lastEventId, version)
  yield retryText() + frameText({ event: 'ready', id: sent, data: { unread: count } })
  while (!over.aborted) {
    const listed = await parts.listedAfter(sent, pageMax)
    for (const one of listed) {
      sent = one.seq
      yield frameText({ event: 'notification', id: sent, data: viewOf(one, locale) })
    }
    if (listed.length === pageMax) continue
    seat.known = Math.max(version, sent)
    if (!(await seat.rung(heartbeatMs, over))) {
      if (!over.aborted) yield heartbeat
      continue
    }
    // Counted before the list is read: what this version brought is in the list then.
    const now = await parts.unread()
    if (now.count !== count) yield frameText({ event: 'unread', data: { unread: now.count } })
    ;({ count, version } = now)
  }
  yield frameText({ event: 'end', data: { reason: parts.endReason() } })
}
