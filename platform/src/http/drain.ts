import type { ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { Server as TlsServer } from 'node:tls'
import type { FastifyInstance } from 'fastify'

// Node waits for every connection when a server closes, and only closes those that are idle at that
// moment: one that becomes idle a moment later, or has not sent its first request yet, would hold the
// stop for as long as it is kept alive, which is longer than a supervisor waits.

/** How long a stopping server still answers, with `connection: close`, so that clients leave by themselves. */
const leaveMs = 500
/** A connection without a request may have one on its way: it gets this long. */
const graceMs = 500

/**
 * Ends the connections of `app` while it closes: those that answer something within a moment after that
 * answer, which says `connection: close`, the others after the moment.
 *
 * @param answering the responses that are not complete yet
 */
export function endConnectionsOnClose(
  app: FastifyInstance,
  answering: ReadonlySet<ServerResponse>,
): void {
  const sockets = new Set<Socket>()
  // A response of a TLS server knows its TLS socket, not the connection below it.
  const event = app.server instanceof TlsServer ? 'secureConnection' : 'connection'
  app.server.on(event, (socket: Socket) => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
  })

  app.addHook('preClose', async () => {
    for (const response of answering) response.shouldKeepAlive = false
    // First, so that no answer has begun by then.
    app.server.prependListener('request', (_request: unknown, response: ServerResponse) => {
      response.shouldKeepAlive = false
    })
    // Closing a server ends its idle connections at once, also those on which a request is on its way.
    if (sockets.size > 0) await delay(leaveMs)
    const reaper = setInterval(() => {
      const busy = new Set([...answering].map(({ socket }) => socket))
      for (const socket of sockets) if (!busy.has(socket)) socket.destroy()
    }, graceMs)
    app.server.once('close', () => clearInterval(reaper))
    // A server that never listened emits no `close`.
    reaper.unref()
  })
}
