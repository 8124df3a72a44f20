import { randomInt } from 'node:crypto'
import { createServer, type Server } from 'node:net'

/** Everything local listens here and nowhere else. */
export const loopback = '127.0.0.1'

/** A port that nobody else can take until it is released, which happens just before its server starts. */
export interface HeldPort {
  readonly port: number
  release(): Promise<void>
}

/** Free ports come from here: below the range from which systems take ports for outgoing connections. */
const freePorts = { from: 20_000, to: 32_000 }

/** Holds `port`, or answers undefined when another process listens on it. */
export async function holdExactPort(port: number): Promise<HeldPort | undefined> {
  try {
    const server = await listen(port)
    return { port, release: () => close(server) }
  } catch (error) {
    if (error instanceof Error && 'code' in error && unavailable.has(String(error.code))) return
    throw error
  }
}

/**
 * Holds the preferred port when it is free, else any free one.
 *
 * @param preferred undefined asks for any free port: tests run beside a running mesh
 */
export async function holdPort(preferred: number | undefined): Promise<HeldPort> {
  const first = preferred === undefined ? undefined : await holdExactPort(preferred)
  if (first !== undefined) return first
  // Drawn at random and not counted up, so that launchers that start together rarely collide.
  for (let attempt = 0; attempt < 50; attempt++) {
    const held = await holdExactPort(randomInt(freePorts.from, freePorts.to))
    if (held !== undefined) return held
  }
  throw new Error(`No free port between ${freePorts.from} and ${freePorts.to} on ${loopback}.`)
}

const unavailable = new Set(['EADDRINUSE', 'EACCES'])

async function listen(port: number): Promise<Server> {
  const { promise, resolve, reject } = Promise.withResolvers<Server>()
  const server = createServer(socket => socket.destroy())
  server.once('error', reject)
  server.listen({ port, host: loopback, exclusive: true }, () => resolve(server))
  return promise
}

async function close(server: Server): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  server.close(() => resolve())
  await promise
}
