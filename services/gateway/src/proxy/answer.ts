import { AppError } from '@campus/platform/errors'
import { refuse } from '../errors.ts'

/** Bodies up to this many bytes are sent in one piece. */
const wholeBytesMax = 65_536

/** The part of a reply that an answer needs, whatever its route. */
export interface Reply {
  readonly statusCode: number
  readonly request: { readonly method: string }
  getHeader(name: string): unknown
  header(name: string, value: string | string[]): unknown
  removeHeader(name: string): unknown
  send(payload: unknown): unknown
}

/** The part of a readable stream that an answer needs. */
interface Body {
  on(event: 'data', listener: (chunk: Buffer) => void): unknown
  once(event: 'end', listener: () => void): unknown
  once(event: 'error', listener: (error: Error) => void): unknown
}

/**
 * Sends the body of a service on. A short one is sent whole, with its head in one packet, which
 * halves the cost of the hop; a long one or one of unknown length, e.g. an event stream, streams.
 */
export function answer(reply: Reply, body: Body): void {
  if (!isShort(reply)) {
    reply.send(body)
    return
  }
  const chunks: Buffer[] = []
  body.on('data', (chunk: Buffer) => chunks.push(chunk))
  body.once('end', () => {
    const [only] = chunks
    reply.send(chunks.length === 1 ? only : Buffer.concat(chunks))
  })
  body.once('error', cause => {
    // What the service said about a body that did not come.
    reply.removeHeader('etag')
    reply.header('cache-control', 'no-store')
    const headers = { 'retry-after': '1' }
    reply.send(new AppError([refuse.upstream_down()], { cause, headers }))
  })
}

/** Whether there is a body, and a short one: the answer to HEAD and a 304 only tell a length. */
function isShort(reply: Reply): boolean {
  const bytes = Number(reply.getHeader('content-length') ?? 0)
  const hasBody = reply.request.method !== 'HEAD' && reply.statusCode !== 304
  return hasBody && bytes > 0 && bytes <= wholeBytesMax
}
