/** One event of a stream, in the words of the HTML standard. */
export interface Frame {
  readonly event: string
  /** What the client sends as `Last-Event-ID` to go on after this frame. */
  readonly id?: number
  /** How long a client waits before it connects again. */
  readonly retryMs?: number
  readonly data: object
}

/**
 * A frame as it is sent. JSON has no line breaks outside of its strings, and none inside: one line.
 *
 * @see https://html.spec.whatwg.org/multipage/server-sent-events.html
 */
export function frameText({ event, id, retryMs, data }: Frame): string {
  const lines = [
    ...(retryMs === undefined ? [] : [`retry: ${retryMs}`]),
    ...(id === undefined ? [] : [`id: ${id}`]),
    `event: ${event}`,
    `data: ${JSON.stringify(data)}`,
  ]
  return `${lines.join('\n')}\n\n`
}

/** A comment that keeps proxies from taking a quiet stream for a dead one. */
export const heartbeat = ': still here\n\n'

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
