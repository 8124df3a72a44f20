/** Something to wait for that remembers a ring which came while nobody waited. */
export interface Bell {
  ring(): void
  /** @returns false when `timeoutMs` are over or `signal` is aborted before a ring */
  heard(timeoutMs: number, signal: AbortSignal): Promise<boolean>
}

/** Creates a bell that has not rung. */
export function createBell(): Bell {
  let hasRung = false
  let wake = (): void => undefined
  return {
    ring() {
      hasRung = true
      wake()
    },
    async heard(timeoutMs, signal) {
      if (!hasRung && !signal.aborted) {
        const { promise, resolve } = Promise.withResolvers<void>()
        wake = resolve
        const timer = setTimeout(resolve, timeoutMs)
        signal.addEventListener('abort', wake, { once: true })
        await promise
        signal.removeEventListener('abort', wake)
        clearTimeout(timer)
      }
      const wasRung = hasRung
      hasRung = false
      return wasRung
    },
  }
}
