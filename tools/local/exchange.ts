import { connect } from 'node:net'
import { loopback } from './ports.ts'

const answerTimeoutMs = 3_000

/**
 * Sends a few bytes to a local port and judges what comes back.
 *
 * Readiness is asked in each server's own protocol by hand: the launcher lives as long as the mesh, and
 * the three client libraries would cost it more memory than all the rest.
 *
 * @param isComplete is given all bytes so far; false waits for more, a throw refuses the answer
 */
export async function exchange(
  port: number,
  request: Buffer | string,
  isComplete: (answer: Buffer) => boolean,
): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const socket = connect(port, loopback)
  let answer = Buffer.alloc(0)
  socket.setTimeout(answerTimeoutMs, () => reject(new Error(`Port ${port} does not answer.`)))
  socket.on('error', reject)
  socket.on('close', () => reject(new Error(`Port ${port} closed the connection.`)))
  socket.on('connect', () => socket.write(request))
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
