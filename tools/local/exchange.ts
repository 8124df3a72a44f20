import { connect } from 'node:net'
import { loopback } from './ports.ts'

const answerTimeoutMs = 3_000

/** Succeeds when something accepts connections on a local port. */
export async function connects(port: number): Promise<void> {
  await exchange(port, undefined, () => true)
}

/**
 * Sends a few bytes to a local port and judges what comes back.
 *
 * Readiness is asked in each server's own protocol by hand: the launcher lives as long as the mesh, and
 * the three client libraries would cost it more memory than all the rest.
 *
 * @param request undefined: the connection itself is the question
 * @param isComplete is given all bytes so far; false waits for more, a throw refuses the answer
 */
export async function exchange(
  port: number,
  request: Buffer | string | undefined,
  isComplete: (answer: Buffer) => boolean,
): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const socket = connect(port, loopback)
  let answer = Buffer.alloc(0)
  socket.setTimeout(answerTimeoutMs, () => reject(new Error(`Port ${port} does not answer.`)))
  socket.on('error', reject)
  socket.on('close', () => reject(new Error(`Port ${port} closed the connection.`)))
  socket.on('connect', () => {
    if (request === undefined) resolve()
    else socket.write(request)
  })
  socket.on('data', chunk => {
    answer = Buffer.concat([answer, chunk])
    try {
      if (isComplete(answer)) resolve()
    } catch (error) {
      reject(error)
    }
  })
  try {
    await promise
  } finally {
    socket.destroy()
  }
}
