import type { FastifyReply, FastifyRequest } from 'fastify'
import { createBell } from './bell.ts'

const waitSecondsMax = 10

/**
 * Seconds that the client wants its answer held for, 0 to 10, and tells it so by
 * `Preference-Applied`. A preference that makes no sense is ignored, never an error.
 *
 * @see https://www.rfc-editor.org/rfc/rfc7240#section-4.3
 */
export function preferWait(request: FastifyRequest, reply: FastifyReply): number {
  const header = [request.headers['prefer'] ?? []].flat().join(',')
  const wanted = /(?:^|[,;])\s*wait\s*=\s*"?(\d{1,4})"?\s*(?:$|[,;])/i.exec(header)?.[1]
  const seconds = Math.min(Number(wanted ?? 0), waitSecondsMax)
  if (seconds > 0) reply.header('preference-applied', `wait=${seconds}`)
  return seconds
}

/** Aborted when the client has gone or the server begins to stop: nobody is worth waiting for then. */
export function requestSignal(request: FastifyRequest, reply: FastifyReply): AbortSignal {
  const gone = new AbortController()
  reply.raw.once('close', () => gone.abort())
  return AbortSignal.any([gone.signal, request.server.stopping])
}

const pauses = { firstMs: 25, longestMs: 500 }
/** With somebody who tells the news, looking without any is only for those of other processes. */
const pausesWithWake = { firstMs: 1_000, longestMs: 2_000 }

/**
 * Repeats `check` until it answers or `seconds` are over: at once, then after every wake and at
 * growing intervals, because a wake may come from another process and be lost.
 *
 * @param options.wake subscribes to news that make a check worthwhile, or are the answer themselves, and
 *   answers how to unsubscribe
 * @returns undefined when the time is over or `signal` is aborted
 */
export async function waitUntil<T>(
  seconds: number,
  check: () => Promise<T | undefined>,
  options: {
    readonly signal?: AbortSignal
    readonly wake?: (listener: (news?: T) => void) => () => void
  } = {},
): Promise<T | undefined> {
  const first = await check()
  if (first !== undefined || seconds <= 0) return first

  const { signal = new AbortController().signal } = options
  const until = performance.now() + seconds * 1_000
  const bell = createBell()
  const { firstMs, longestMs } = options.wake === undefined ? pauses : pausesWithWake
  let told: T | undefined
  const unsubscribe = options.wake?.(news => {
    told = news ?? told
    bell.ring()
  })
  try {
    for (let pauseMs = firstMs; !signal.aborted; ) {
      const leftMs = until - performance.now()
      if (leftMs <= 0) return undefined
      // oxlint-disable-next-line no-await-in-loop -- one look after the other is the point.
      await bell.heard(Math.min(pauseMs, leftMs), signal)
      // oxlint-disable-next-line no-await-in-loop
      const value = told ?? (await check())
      if (value !== undefined) return value
      pauseMs = Math.min(pauseMs * 2, longestMs)
    }
    return undefined
  } finally {
    unsubscribe?.()
  }
}
