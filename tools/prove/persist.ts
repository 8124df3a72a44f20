import { setTimeout as delay } from 'node:timers/promises'
import type { Answer } from './client.ts'

/**
 * Sends a request until somebody answers it: what a careful program does when the connection breaks
 * or the server says "later". Only for requests that may be repeated: reads, and writes with a key.
 *
 * @throws after `timeoutMs`, with the last failure
 */
export async function persist(
  send: () => Promise<Answer>,
  { timeoutMs = 60_000, everyMs = 200 }: { timeoutMs?: number; everyMs?: number } = {},
): Promise<Answer> {
  const until = performance.now() + timeoutMs
  for (;;) {
    const outcome = await send().catch((error: unknown) => error)
    if (isAnswer(outcome) && !isTemporary(outcome)) return outcome
    if (performance.now() > until) {
      const last = isAnswer(outcome) ? JSON.stringify(outcome.body) : String(outcome)
      throw new Error(`Nobody answered for ${timeoutMs} ms: ${last}`)
    }
    await delay(everyMs * (0.5 + Math.random()))
  }
}

function isAnswer(outcome: unknown): outcome is Answer {
  return typeof outcome === 'object' && outcome !== null && 'status' in outcome
}

function isTemporary({ status, body }: Answer): boolean {
  return status >= 500 || status === 429 || body?.code === 'request.in_flight'
}

/** Runs `work` for each item, at most `concurrency` at the same time, and keeps the order. */
export async function inParallel<T, R>(
  items: readonly T[],
  concurrency: number,
  work: (item: T, index: number) => Promise<R>,
): Promise<R[]> {
  const results: R[] = []
  const queue = [...items.entries()]
  await Promise.all(
    Array.from({ length: concurrency }, async () => {
      for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
        const [index, item] = next
        results[index] = await work(item, index)
      }
    }),
  )
  return results
}
