import { once } from 'node:events'
import type { Server } from 'node:net'
import type { Cleanup } from './cleanup.ts'

/** Listens on a free port of the loopback until the test ends, and answers the port. */
export async function listenOnLoopback(t: Cleanup, server: Server): Promise<number> {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(async () => {
    const closed = once(server, 'close')
    server.close()
    await closed
  })
  const address = server.address()
  if (address === null || typeof address === 'string') throw new TypeError('not a TCP server')
  return address.port
}
