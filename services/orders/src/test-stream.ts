import assert from 'node:assert/strict'
import type { Cleanup } from '@campus/platform/testing/cleanup'
import { eventually } from '@campus/platform/testing/eventually'

/** One event of a stream as a client reads it. */
interface Received {
  readonly event: string
  readonly id: string | undefined
  readonly data: Record<string, unknown>
}

/** Opens the stream of an order as a browser does and keeps what comes. */
export async function watch(
  t: Cleanup,
  base: string,
  orderId: string,
  headers: Readonly<Record<string, string>>,
) {
  const closing = new AbortController()
  t.teardown(() => closing.abort())
  const url = `${base}/v1/orders/${orderId}/stream`
  const response = await fetch(url, { headers, signal: closing.signal })
  const received: Received[] = []
  let comments = 0
  let isOver = false

  function take(block: string): void {
    if (block.startsWith(':')) comments += 1
    const field = (name: string) => new RegExp(`^${name}: (.*)$`, 'm').exec(block)?.[1]
    const event = field('event')
    if (event === undefined) return
    received.push({ event, id: field('id'), data: JSON.parse(field('data') ?? '{}') })
  }

  async function read(): Promise<void> {
    let text = ''
    const decoder = new TextDecoder()
    try {
      for await (const chunk of response.body ?? []) {
        text += decoder.decode(chunk, { stream: true })
        const blocks = text.split('\n\n')
        text = blocks.pop() ?? ''
        for (const block of blocks) take(block)
      }
    } catch {
      // A connection that breaks is an end as well.
    }
    isOver = true
  }
  const reading = read()

  return {
    status: response.status,
    headers: response.headers,
    received,
    comments: () => comments,
    isOver: () => isOver,
    close: async () => {
      closing.abort()
      await reading
    },
    /** The order once it was shown in this state. */
    shown: async (state: string, timeoutMs = 10_000) =>
      eventually(
        () => {
          const found = received.findLast(
            ({ event, data }) => event === 'order' && data['state'] === state,
          )
          assert.ok(found, `not shown as ${state}`)
          return found
        },
        { timeoutMs },
      ),
    /** Why it ended. */
    ended: async (timeoutMs = 10_000) =>
      eventually(
        () => {
          const found = received.find(({ event }) => event === 'end')
          assert.ok(found, 'not ended')
          return found.data['reason']
        },
        { timeoutMs },
      ),
  }
}
