/** Request headers by name, as Node gives them. */
export type Headers = Readonly<Record<string, string | string[] | undefined>>

/**
 * The headers of a client that services get to see. Everything else is dropped: identity and
 * forwarding headers above all, because they are nobody's word but the client's.
 */
const forwarded: readonly string[] = [
  'accept',
  'accept-language',
  'authorization',
  'content-length',
  'content-type',
  'idempotency-key',
  'if-match',
  'if-none-match',
  'last-event-id',
  'prefer',
  'psp-signature',
  'psp-timestamp',
  'range',
  'user-agent',
  'x-cart-token',
]

/** Headers of an upstream that end at this hop, or that tell what runs behind it. */
const dropped = new Set([
  'connection',
  'keep-alive',
  'server',
  'transfer-encoding',
  'x-powered-by',
  // Sessions in cookies are made by the gateway alone.
  'set-cookie',
  // Once, and only over TLS: the connection of the client is not that of the service.
  'strict-transport-security',
])

/** Who may read an answer is the gateway's to say. */
const corsHeader = /^access-control-/

/** What a service gets instead of the client's headers. */
export function toUpstream(
  headers: Headers,
  request: {
    readonly method: string
    readonly id: string
    readonly ip: string
    readonly flow: { readonly correlationId: string; readonly traceparent: string }
  },
): Record<string, string | string[]> {
  const kept: Record<string, string | string[]> = {
    // Nothing is decompressed between processes.
    'accept-encoding': 'identity',
    'x-forwarded-for': request.ip,
    'x-request-id': request.id,
    'x-correlation-id': request.flow.correlationId,
    traceparent: request.flow.traceparent,
  }
  for (const name of forwarded) {
    const value = headers[name]
    if (value !== undefined) kept[name] = value
  }
  // A body that GET may announce but that is not sent on would be missing.
  if (request.method === 'GET' || request.method === 'HEAD') delete kept['content-length']
  return kept
}

/** What a client gets of a service's headers. */
export function toClient(headers: Headers): Record<string, string | string[] | undefined> {
  const kept: Record<string, string | string[] | undefined> = {}
  for (const [name, value] of Object.entries(headers)) {
    if (!dropped.has(name) && !corsHeader.test(name)) kept[name] = value
  }
  // Beside what the answer of the service depends on, the gateway's own headers depend on the origin.
  if (headers['vary'] !== undefined) kept['vary'] = ['Origin', headers['vary']].flat().join(', ')
  return kept
}
