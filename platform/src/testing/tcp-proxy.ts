import { setMaxListeners } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import type { Cleanup } from './cleanup.ts'
import { listenOnLoopback } from './listen.ts'

/** A TCP proxy in front of a real server, which can fail in the ways networks do. */
export interface TcpProxy {
  readonly port: number
  /** The address of the server with the proxy's port, e.g. of a `redis://` URL. */
  readonly url: string
  /** Ends all connections and refuses new ones: the server is gone. */
  cut(): void
  /** Ends all connections once; new ones are welcome: a switch has restarted. */
  reset(): void
  /** Keeps connections open and passes nothing on: the server hangs. */
  freeze(): void
  /** Passes requests on and drops all answers: the server has done it, and nobody learns of it. */
  mute(): void
  /** Each answer comes later, with the given probability: a bad line. */
  slow(options: { readonly ms: number; readonly share: number }): void
  /** Answers of all connections together come at this rate: the server throttles its clients. */
  throttle(options: { readonly bytesPerSecond: number }): void
  /** Passes everything on again. */
  restore(): void
}

type Mode =
  | { readonly kind: 'open' | 'cut' | 'frozen' | 'mute' }
  | { readonly kind: 'slow'; readonly ms: number; readonly share: number }
  | { readonly kind: 'throttled'; readonly bytesPerSecond: number }

function patience(): AbortController {
  const change = new AbortController()
  setMaxListeners(0, change.signal)
  return change
}

/**
 * Listens on a free port of the loopback and passes everything on to the host of `target`.
 *
 * @param target an address, or how to find it when a connection comes; it throws while there is none
 */
export async function createTcpProxy(
  t: Cleanup,
  target: string | (() => string),
): Promise<TcpProxy> {
  const find = typeof target === 'string' ? () => target : target
  const sockets = new Set<Socket>()
  let mode: Mode = { kind: 'open' }
  /** When the line has carried all answers so far, while it is throttled. */
  let carriedAt = 0
  /** What waits for the line goes on at once when the line changes. */
  let change = patience()

  function destroyAll(): void {
    for (const socket of sockets) socket.destroy()
  }

  const server = createServer(client => {
    if (mode.kind === 'cut') {
      client.destroy()
      return
    }
    const upstream = dial()
    if (upstream === undefined) {
      client.destroy()
      return
    }
    const answers = passing(answer => client.write(answer))
    pipe(client, upstream, chunk => upstream.write(chunk))
    pipe(upstream, client, chunk => {
      if (mode.kind !== 'mute') answers(chunk)
    })
  })
  const port = await listenOnLoopback(t, server)
  t.teardown(destroyAll)

  function dial(): Socket | undefined {
    try {
      const { hostname, port: targetPort } = new URL(find())
      return connect(Number(targetPort), hostname)
    } catch {
      // The server does not exist yet.
      return undefined
    }
  }

  function pipe(from: Socket, to: Socket, pass: (chunk: Buffer) => void): void {
    sockets.add(from)
    from.setNoDelay(true)
    from.on('data', pass)
    from.on('error', () => undefined)
    from.on('close', () => {
      sockets.delete(from)
      to.destroy()
    })
    if (mode.kind === 'frozen') from.pause()
  }

  /** Milliseconds by which an answer comes later. */
  function delayOf(answer: Buffer): number {
    if (mode.kind === 'slow') return Math.random() < mode.share ? mode.ms : 0
    if (mode.kind !== 'throttled') return 0
    const now = performance.now()
    carriedAt = Math.max(carriedAt, now) + (answer.length / mode.bytesPerSecond) * 1_000
    return carriedAt - now
  }

  /** Keeps the order of chunks: one that waits holds back those behind it. */
  function passing(write: (chunk: Buffer) => void): (chunk: Buffer) => void {
    let last = Promise.resolve()
    let waiting = 0
    return chunk => {
      const ms = delayOf(chunk)
      if (ms === 0 && waiting === 0) {
        write(chunk)
        return
      }
      waiting += 1
      const previous = last
      const arrival = delay(ms, undefined, { signal: change.signal }).catch(() => undefined)
      last = (async () => {
        await previous
        await arrival
        waiting -= 1
        write(chunk)
      })()
    }
  }

  function become(next: Mode): void {
    // What an answer that was dropped belonged to can never be completed on its connection.
    if (mode.kind === 'mute') destroyAll()
    if (mode.kind === 'frozen') for (const socket of sockets) socket.resume()
    mode = next
    carriedAt = 0
    change.abort()
    change = patience()
  }

  const url = new URL(typeof target === 'string' ? target : 'tcp://127.0.0.1')
  url.hostname = '127.0.0.1'
  url.port = String(port)
  return {
    port,
    url: url.href,
    cut() {
      become({ kind: 'cut' })
      destroyAll()
    },
    reset: destroyAll,
    freeze() {
      become({ kind: 'frozen' })
      for (const socket of sockets) socket.pause()
    },
    mute: () => become({ kind: 'mute' }),
    slow: options => become({ kind: 'slow', ...options }),
    throttle: options => become({ kind: 'throttled', ...options }),
    restore: () => become({ kind: 'open' }),
  }
}
