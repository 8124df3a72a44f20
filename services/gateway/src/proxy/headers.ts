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
  'range',
  'user-agent',
  'webhook-id',
  'webhook-signature',
  'webhook-timestamp',
  'x-cart-token',
]

/** Headers of an upstream that end at this hop, or that tell what runs behind it. */
const dropped = new Set(['connection', 'keep-alive', 'server', 'transfer-encoding', 'x-powered-by'])

/** What a service gets instead of the client's headers. */
export function toUpstream(
  headers: Headers,
  request: {
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
  return kept
}

/** What a client gets of a service's headers. */
export function toClient(headers: Headers): Record<string, string | string[] | undefined> {
  const kept: Record<string, string | string[] | undefined> = {}
  for (const [name, value] of Object.entries(headers)) {
    if (!dropped.has(name)) kept[name] = value
  }
  return kept
}
