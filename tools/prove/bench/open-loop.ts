import { setTimeout as delay } from 'node:timers/promises'

/** Calls `send` evenly, `count` times, without waiting for the one before; ends when all have ended. */
export async function atRate(
  { perSecond, count }: { readonly perSecond: number; readonly count: number },
  send: (n: number) => Promise<unknown>,
): Promise<void> {
  const startedAt = performance.now()
  const sending = []
  for (let n = 0; n < count; n += 1) {
    const dueMs = startedAt + (n * 1_000) / perSecond
    await delay(Math.max(0, dueMs - performance.now()))
    sending.push(send(n))
  }
  await Promise.all(sending)
}
