import type { UnreadCount } from '../inbox/notification.ts'
import { viewOf } from '../inbox/notification-view.ts'
import type { Seat } from './audience.ts'
import { frameText, heartbeat, resumeAfter } from './frame.ts'
import type { Listed } from './listed.ts'

/** Notifications that are read at once; the next ones are read when these were taken. */
const pageMax = 50
/** How long clients wait before they connect again, spread so that they do not come all at once. */
const retryMs = { least: 1_000, spread: 2_000 }

/** What a stream is made of. */
export interface StreamParts {
  readonly seat: Seat
  /** Aborted when the stream must end. */
  readonly over: AbortSignal
  readonly endReason: () => 'token_expired' | 'session_ended' | 'server_stopping'
  readonly lastEventId: string | undefined
  readonly locale: string
  readonly heartbeatMs: number
  readonly unread: () => Promise<UnreadCount>
  readonly listedAfter: (seq: number, max: number) => Promise<readonly Listed[]>
}

/**
 * The text of one stream, piece by piece. A piece is made when the one before it was taken, so a reader
 * that is slow costs a page of memory and no more.
 */
export async function* framesOf(parts: StreamParts): AsyncGenerator<string> {
  const { seat, over, locale, heartbeatMs } = parts
  let { count, version } = await parts.unread()
  let sent = resumeAfter(parts.lastEventId, version)
  yield frameText({
    event: 'ready',
    id: sent,
    retryMs: Math.round(retryMs.least + Math.random() * retryMs.spread),
    data: { unread: count },
  })
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
