import assert from 'node:assert/strict'
import type { Cleanup } from '@campus/platform/testing/cleanup'

/** Keeps the events of a stream, read over the gateway. */
export async function openStream(
  t: Cleanup,
  url: string,
  { token, lastEventId }: { readonly token: string; readonly lastEventId?: string },
) {
  const closing = new AbortController()
  t.teardown(() => closing.abort())
  const response = await fetch(url, {
    headers: {
      authorization: `Bearer ${token}`,
      ...(lastEventId !== undefined && { 'last-event-id': lastEventId }),
    },
    signal: closing.signal,
  })
  assert.equal(response.status, 200)
  let text = ''
  async function read(): Promise<void> {
    const decoder = new TextDecoder()
    for await (const chunk of response.body ?? []) text += decoder.decode(chunk, { stream: true })
  }
  // Ends with an error when the test closes it.
  const reading = read().catch(() => undefined)
  const field = (block: string, name: string) => new RegExp(`^${name}: (.*)$`, 'm').exec(block)?.[1]
  return {
    events: () =>
      text
        .split('\n\n')
        .slice(0, -1)
        .filter(block => !block.startsWith(':'))
        .map(block => ({
          event: field(block, 'event') ?? '',
          id: field(block, 'id'),
          data: JSON.parse(field(block, 'data') ?? '{}'),
        })),
    close: async () => {
      closing.abort()
      await reading
    },
  }
}
