import type { RequestListener } from 'node:http'
import { createServer, type Server, type ServerOptions } from 'node:https'

/** A certificate with its chain and its key, as PEM. */
export interface Certificate {
  readonly cert: string
  readonly key: string
}

/** What Fastify would set itself on a server that it makes. */
interface Limits {
  readonly keepAliveTimeout: number
  readonly connectionTimeout: number
  readonly requestTimeout: number
  readonly maxRequestsPerSocket: number
}

/** A client that has not finished its handshake by then is cut; a stop waits for it as long. */
const handshakeMs = 5_000

/**
 * Creates a server that speaks TLS 1.2 or newer and nothing else.
 *
 * @param http the options that a server without TLS would have
 * @throws Error when certificate and key are no PEM or do not belong together
 */
export function createSecureServer(
  handler: RequestListener,
  { cert, key }: Certificate,
  { http, limits }: { readonly http: ServerOptions; readonly limits: Limits },
): Server {
  const server = createServer(
    {
      ...http,
      cert,
      key,
      minVersion: 'TLSv1.2',
      ALPNProtocols: ['http/1.1'],
      handshakeTimeout: handshakeMs,
    },
    handler,
  )
  server.keepAliveTimeout = limits.keepAliveTimeout
  server.requestTimeout = limits.requestTimeout
  server.setTimeout(limits.connectionTimeout)
  server.maxRequestsPerSocket = limits.maxRequestsPerSocket
  return server
}
