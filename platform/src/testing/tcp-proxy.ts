import { connect, createServer, type Socket } from 'node:net'
import type { Cleanup } from './cleanup.ts'
import { listenOnLoopback } from './listen.ts'

/** A TCP proxy in front of a real server, which can fail in the ways networks do. */
export interface TcpProxy {
  readonly port: number
  /** The address of the server with the proxy's port, e.g. of a `redis://` URL. */
  readonly url: string
  /** Ends all connections and refuses new ones: the server is gone. */
  cut(): void
  /** Keeps connections open and passes nothing on: the server hangs. */
  freeze(): void
  /** Passes everything on again. */
  restore(): void
}

/** Listens on a free port of the loopback and passes everything on to the host of `target`. */
export async function createTcpProxy(t: Cleanup, target: string): Promise<TcpProxy> {
  const { hostname, port: targetPort } = new URL(target)
  const sockets = new Set<Socket>()
  let mode: 'open' | 'cut' | 'frozen' = 'open'

  function destroyAll(): void {
    for (const socket of sockets) socket.destroy()
  }

  const server = createServer(client => {
    if (mode === 'cut') {
      client.destroy()
      return
    }
    const upstream = connect(Number(targetPort), hostname)
    for (const [from, to] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      sockets.add(from)
      from.on('data', chunk => to.write(chunk))
      from.on('error', () => undefined)
      from.on('close', () => {
        sockets.delete(from)
        to.destroy()
      })
      if (mode === 'frozen') from.pause()
    }
  })
  const port = await listenOnLoopback(t, server)
  t.teardown(destroyAll)

  const url = new URL(target)
  url.hostname = '127.0.0.1'
  url.port = String(port)
  return {
    port,
    url: url.href,
    cut() {
      mode = 'cut'
      destroyAll()
    },
    freeze() {
      mode = 'frozen'
      for (const socket of sockets) socket.pause()
    },
    restore() {
      mode = 'open'
      for (const socket of sockets) socket.resume()
    },
  }
}
