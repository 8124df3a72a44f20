import type { Server, ServerResponse } from 'node:http'
import { STATUS_CODES } from 'node:http'
import type { Socket } from 'node:net'
import { v7 as uuidv7 } from 'uuid'
import { AppError, chassis, type Reason } from '../errors.ts'
import { newTraceparent } from '../process/flow.ts'
import { problemType, renderProblem } from './problem.ts'

// Some requests never become one: the parser refuses them, Node answers some by itself. All of them
// get the same problem document as everything else.

/** Headers of every answer, whatever it is. A route may set another `cache-control`. */
export const safeHeaders = {
  'cache-control': 'no-store',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
} as const

/** What the parser of Node refuses, by its code; everything else it says is malformed HTTP. */
const parserReasons: ReadonlyMap<string, () => Reason> = new Map([
  ['HPE_HEADER_OVERFLOW', chassis.headersTooLarge],
  ['HPE_CHUNK_EXTENSIONS_OVERFLOW', chassis.tooLarge],
  ['ERR_HTTP_REQUEST_TIMEOUT', chassis.timeout],
])

const handshakeFailure = /^ERR_(?:SSL|TLS)_/

/** Answers bytes that are no HTTP request, and closes the connection. */
export function answerClientError(
  error: { readonly code?: string },
  socket: Socket,
  publicUrl: string,
): void {
  // Nobody is left to answer, an answer is already on its way, or there is no TLS to send it by.
  const { code = '' } = error
  if (code === 'ECONNRESET' || !socket.writable || handshakeFailure.test(code)) {
    socket.destroy()
    return
  }
  const reason = parserReasons.get(code) ?? chassis.malformed
  writeRaw(socket, reason(), publicUrl)
}

/**
 * Answers what Node would answer alone and without a body: an `Expect` it does not know, CONNECT.
 */
export function answerOddities(server: Server, publicUrl: string): void {
  server.on('checkExpectation', (_request, response: ServerResponse) => {
    const { head, body } = rawProblem(chassis.expectationFailed(), publicUrl)
    response.writeHead(chassis.expectationFailed().status, head)
    response.end(body)
  })
  server.on('connect', (_request, socket: Socket) => {
    writeRaw(socket, chassis.methodNotAllowed(), publicUrl, { allow: '' })
  })
}

function rawProblem(reason: Reason, publicUrl: string) {
  const requestId = uuidv7()
  const body = renderProblem(new AppError([reason]), { requestId, publicUrl })
  const head: Record<string, string> = {
    ...safeHeaders,
    'content-type': problemType,
    'content-length': String(Buffer.byteLength(body)),
    connection: 'close',
    'x-request-id': requestId,
    'trace-id': newTraceparent().slice(3, 35),
  }
  return { head, body }
}

function writeRaw(
  socket: Socket,
  reason: Reason,
  publicUrl: string,
  more: Readonly<Record<string, string>> = {},
): void {
  const { head, body } = rawProblem(reason, publicUrl)
  const lines = Object.entries({ ...head, ...more }).map(([name, value]) => `${name}: ${value}\r\n`)
  const status = `HTTP/1.1 ${reason.status} ${STATUS_CODES[reason.status] ?? ''}\r\n`
  // A peer that keeps its half open must not keep the connection.
  socket.end(`${status}${lines.join('')}\r\n${body}`, () => socket.destroySoon())
}
