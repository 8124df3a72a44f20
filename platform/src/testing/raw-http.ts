import { once } from 'node:events'
import { connect } from 'node:net'
import type { ProblemResponse } from './problem.ts'

/**
 * Sends bytes as they are and reads until the server closes the connection: for requests that no
 * HTTP client would send.
 *
 * The request should say `Connection: close` unless it is expected to be refused.
 */
export async function sendRaw(port: number, request: string | Buffer): Promise<ProblemResponse> {
  const socket = connect(port, '127.0.0.1')
  const chunks: Buffer[] = []
  socket.on('data', chunk => chunks.push(chunk))
  socket.on('error', () => undefined)
  socket.write(request)
  await once(socket, 'close')
  return parseResponse(Buffer.concat(chunks).toString())
}

function parseResponse(text: string): ProblemResponse {
  const [head = '', body = ''] = text.split('\r\n\r\n')
  const [status = '', ...lines] = head.split('\r\n')
  const headers: Record<string, string> = {}
  for (const line of lines) {
    const colon = line.indexOf(':')
    headers[line.slice(0, colon).toLowerCase()] = line.slice(colon + 1).trim()
  }
  return { statusCode: Number(status.split(' ')[1]), headers, body }
}
