import { setTimeout as delay } from 'node:timers/promises'

/**
 * Repeats `check` until it does not throw: the way to wait for what happens elsewhere.
 *
 * @throws the last error of `check` after `timeoutMs`
 */
export async function eventually<T>(
  check: () => T | Promise<T>,
  { timeoutMs = 10_000, everyMs = 25 }: { timeoutMs?: number; everyMs?: number } = {},
): Promise<T> {
  const until = performance.now() + timeoutMs
  for (;;) {
    try {
      return await check()
    } catch (error) {
      if (performance.now() > until) throw error
      await delay(everyMs)
    }
  }
}
