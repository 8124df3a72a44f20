import assert from 'node:assert/strict'
import type { Cleanup } from '@campus/platform/testing/cleanup'
import { eventually } from '@campus/platform/testing/eventually'

/** One event of a stream as a client reads it. */
export interface Received {
  readonly event: string
  readonly id: string | undefined
  readonly data: Record<string, unknown>
}

/** Opens a stream as a browser does and keeps what comes. */
export async function openStream(
  t: Cleanup,
  base: string,
  headers: Readonly<Record<string, string>>,
) {
  const closing = new AbortController()
  t.teardown(() => closing.abort())
  const response = await fetch(`${base}/v1/me/notifications/stream`, {
    headers,
    signal: closing.signal,
  })
  const received: Received[] = []
  let comments = 0
  let isOver = false

  function take(block: string): void {
    if (block.startsWith(':')) {
      comments += 1
      return
    }
    const field = (name: string) => new RegExp(`^${name}: (.*)$`, 'm').exec(block)?.[1]
    received.push({
      event: field('event') ?? '',
      id: field('id'),
      data: JSON.parse(field('data') ?? '{}'),
    })
  }

  async function read(): Promise<void> {
    let text = ''
    const decoder = new TextDecoder()
    for await (const chunk of response.body ?? []) {
      text += decoder.decode(chunk, { stream: true })
      const blocks = text.split('\n\n')
      text = blocks.pop() ?? ''
      for (const block of blocks) take(block)
    }
  }
  async function readAll(): Promise<void> {
    try {
      await read()
    } catch {
      // A connection that breaks is an end as well.
    }
    isOver = true
  }
  const reading = readAll()

  const notifications = () => received.filter(({ event }) => event === 'notification')
  return {
    status: response.status,
    headers: response.headers,
    received,
    notifications,
    comments: () => comments,
    isOver: () => isOver,
    close: async () => {
      closing.abort()
      await reading
    },
    /** The notifications, once there are `count`. */
    told: async (count: number, timeoutMs = 10_000) =>
      eventually(
        () => {
          assert.equal(notifications().length, count)
          return notifications()
        },
        { timeoutMs },
      ),
    /** The data of the last event, once there is one of this name. */
    heard: async (name: string, timeoutMs = 10_000) =>
      eventually(
        () => {
          const found = received.findLast(({ event }) => event === name)
          assert.ok(found, `no ${name}`)
          return found.data
        },
        { timeoutMs },
      ),
  }
}
