import { connect, createServer, type Socket } from 'node:net'
import type { Cleanup } from '@campus/platform/testing/cleanup'
import { listenOnLoopback } from '@campus/platform/testing/listen'

/**
 * Gives each connection to the next of several servers that accepts it, as a load balancer of layer 4
 * does.
 *
 * @param targets their addresses, asked for anew each time
 * @returns the balancer's own address
 */
export async function startBalancer(t: Cleanup, targets: () => readonly string[]): Promise<string> {
  const sockets = new Set<Socket>()
  let turn = 0

  function keep(socket: Socket): void {
    sockets.add(socket)
    socket.on('error', () => undefined)
    socket.once('close', () => sockets.delete(socket))
  }

  function pass(client: Socket, left: readonly string[]): void {
    const [target, ...others] = left
    if (target === undefined) {
      client.destroy()
      return
    }
    const upstream = connect(Number(new URL(target).port), '127.0.0.1')
    keep(upstream)
    const refused = () => pass(client, others)
    upstream.once('error', refused)
    upstream.once('connect', () => {
      upstream.off('error', refused)
      upstream.once('close', () => client.destroy())
      client.once('close', () => upstream.destroy())
      client.pipe(upstream).pipe(client)
    })
  }

  const server = createServer({ noDelay: true, pauseOnConnect: true }, client => {
    keep(client)
    const all = targets()
    turn += 1
    pass(
      client,
      all.map((_, n) => all[(n + turn) % all.length] ?? ''),
    )
  })
  const port = await listenOnLoopback(t, server)
  t.teardown(() => {
    for (const socket of sockets) socket.destroy()
  })
  return `http://127.0.0.1:${port}`
}
