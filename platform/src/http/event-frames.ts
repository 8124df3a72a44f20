// Server-sent events. A service writes the text of its stream as an async generator: each piece is made
// when the one before it was taken, so a reader that is slow costs one piece and no more.
//
// https://html.spec.whatwg.org/multipage/server-sent-events.html

/** One event of a stream. */
export interface Frame {
  readonly event: string
  /** What the client sends as `Last-Event-ID` to go on after this frame. */
  readonly id?: number
  readonly data: object
}

/** A frame as it is sent. JSON has no line breaks outside of its strings, and none inside: one line. */
export function frameText({ event, id, data }: Frame): string {
  const lines = [
    ...(id === undefined ? [] : [`id: ${id}`]),
    `event: ${event}`,
    `data: ${JSON.stringify(data)}`,
  ]
  return `${lines.join('\n')}\n\n`
}

/** A comment that keeps proxies from taking a quiet stream for a dead one. */
export const heartbeat = ': still here\n\n'

const retryMs = { least: 1_000, spread: 2_000 }

/**
 * How long clients wait before they connect again, spread so that they do not come all at once. A line of
 * the frame that comes next.
 */
export function retryText(): string {
  return `retry: ${Math.round(retryMs.least + Math.random() * retryMs.spread)}\n`
}

/** How long a stream may go on. */
export interface StreamLife {
  /** Aborted when the stream must end. */
  readonly over: AbortSignal
  readonly endReason: () => 'token_expired' | 'session_ended' | 'server_stopping'
}
