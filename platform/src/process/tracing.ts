import type { Attributes, Span, SpanContext, SpanKind } from '@opentelemetry/api'
import { currentFlow, withFlow } from './flow.ts'
import { randomSlice } from './random.ts'

// Spans by hand, no automatic instrumentation: the trace context travels in the flow, in outbox rows
// and in event headers, so one trace spans HTTP, outbox, Kafka, handler and the next event. Without
// a collector no SDK is loaded and a span costs one random id; the context stays correct all the
// same, so a trace may pass through a process that exports nothing.

/** The four parts of a W3C `traceparent`. */
export interface TraceContext {
  /** 32 hexadecimal digits, not all zero. */
  readonly traceId: string
  /** 16 hexadecimal digits, not all zero. */
  readonly spanId: string
  /** 1 when sampled. */
  readonly flags: number
}

const format = /^([\da-f]{2})-([\da-f]{32})-([\da-f]{16})-([\da-f]{2})(-.*)?$/

/**
 * Reads a `traceparent`; undefined when it is malformed, as the specification demands.
 *
 * @see https://www.w3.org/TR/trace-context/#traceparent-header
 */
export function parseTraceparent(text: string | undefined): TraceContext | undefined {
  if (text === undefined || text.length > 512) return undefined
  const [, version, traceId = '', spanId = '', flags = '', more] = format.exec(text) ?? []
  if (version === undefined || version === 'ff') return undefined
  if (version === '00' && more !== undefined) return undefined
  if (/^0+$/.test(traceId) || /^0+$/.test(spanId)) return undefined
  return { traceId, spanId, flags: Number.parseInt(flags, 16) & 1 }
}

/** Writes a `traceparent` of version 00. */
export function formatTraceparent({ traceId, spanId, flags }: TraceContext): string {
  return `00-${traceId}-${spanId}-0${flags & 1}`
}

/** A new span below `parent`: same trace and sampling; a malformed parent starts a new trace. */
export function childTraceparent(parent: string): string {
  const context = parseTraceparent(parent)
  return context === undefined
    ? rootTraceparent()
    : formatTraceparent({ ...context, spanId: newSpanId() })
}

function rootTraceparent(): string {
  return formatTraceparent({
    traceId: randomSlice(16).toString('hex'),
    spanId: newSpanId(),
    flags: 1,
  })
}

function newSpanId(): string {
  const id = randomSlice(8).toString('hex')
  return id === '0000000000000000' ? newSpanId() : id
}

/** Role of a span; consumers and producers are on both ends of Kafka. */
export type Kind = 'internal' | 'server' | 'client' | 'producer' | 'consumer'

/** A span that is running. */
export interface ActiveSpan {
  /** The context for whatever happens inside, and for what it causes elsewhere. */
  readonly traceparent: string
  /** Ends it; `error` marks it as failed. Attributes known only now, e.g. a status, go here. */
  end(outcome?: { readonly error?: unknown; readonly attributes?: Attributes }): void
}

interface Sdk {
  readonly start: (
    name: string,
    kind: Kind,
    attributes: Attributes,
    parent: TraceContext | undefined,
    links: readonly string[],
  ) => Span
  readonly errorStatus: { readonly code: number }
}

let sdk: Sdk | undefined

/**
 * Starts a span; its parent is `parent`, else the current flow, else it begins a trace.
 *
 * @param links contexts of other traces that this span has to do with
 */
export function startSpan(
  name: string,
  kind: Kind,
  attributes: Attributes,
  parent: string | undefined = currentFlow()?.traceparent,
  links: readonly string[] = [],
): ActiveSpan {
  if (sdk === undefined) {
    const traceparent = parent === undefined ? rootTraceparent() : childTraceparent(parent)
    return { traceparent, end: endNothing }
  }
  const span = sdk.start(name, kind, attributes, parseTraceparent(parent), links)
  const { traceId, spanId, traceFlags } = span.spanContext()
  const { errorStatus } = sdk
  return {
    traceparent: formatTraceparent({ traceId, spanId, flags: traceFlags }),
    end({ error, attributes: last } = {}) {
      if (last !== undefined) span.setAttributes(last)
      // Only the type: messages of drivers hold rows and addresses.
      if (error !== undefined) {
        span.setAttribute('error.type', error instanceof Error ? error.name : typeof error)
        span.setStatus(errorStatus)
      }
      span.end()
    },
  }
}

function endNothing(): void {
  // Nothing is recorded without a collector.
}

/**
 * Runs `work` inside a span: `currentFlow().traceparent` is the context of that span meanwhile.
 *
 * @param parentTraceparent the stored context of an event; by default the current flow
 */
export async function withSpan<T>(
  name: string,
  kind: Kind,
  attributes: Attributes,
  work: () => Promise<T>,
  parentTraceparent?: string,
  links?: readonly string[],
): Promise<T> {
  const flow = currentFlow()
  const span = startSpan(name, kind, attributes, parentTraceparent ?? flow?.traceparent, links)
  try {
    const result = await (flow === undefined
      ? work()
      : withFlow({ ...flow, traceparent: span.traceparent }, work))
    span.end()
    return result
  } catch (error) {
    span.end({ error })
    throw error
  }
}

function spanContext({ traceId, spanId, flags }: TraceContext): SpanContext {
  return { traceId, spanId, traceFlags: flags, isRemote: true }
}

/** Export of traces; `stop` flushes what is buffered, for at most a few seconds. */
export interface Tracing {
  stop(): Promise<void>
}

/**
 * Sends spans to an OTLP/HTTP collector; an empty `endpoint` turns tracing off and loads nothing.
 *
 * A collector that fails costs spans and nothing else: export runs in the background in bounded
 * batches. OTLP over HTTP only, and no exporter that listens (CVE-2026-44902).
 *
 * @param options.endpoint base URL, e.g. `http://127.0.0.1:4318`; `/v1/traces` is appended
 */
export async function startTracing(options: {
  readonly service: string
  readonly endpoint: string
}): Promise<Tracing> {
  if (options.endpoint === '') return { stop: () => Promise.resolve() }
  const [api, { NodeSDK }, { OTLPTraceExporter }] = await Promise.all([
    import('@opentelemetry/api'),
    import('@opentelemetry/sdk-node'),
    import('@opentelemetry/exporter-trace-otlp-http'),
  ])
  const node = new NodeSDK({
    serviceName: options.service,
    traceExporter: new OTLPTraceExporter({
      url: `${options.endpoint.replace(/\/$/, '')}/v1/traces`,
      timeoutMillis: 3_000,
    }),
    instrumentations: [],
    metricReaders: [],
    logRecordProcessors: [],
  })
  node.start()
  const kinds: Readonly<Record<Kind, SpanKind>> = {
    internal: api.SpanKind.INTERNAL,
    server: api.SpanKind.SERVER,
    client: api.SpanKind.CLIENT,
    producer: api.SpanKind.PRODUCER,
    consumer: api.SpanKind.CONSUMER,
  }
  const tracer = api.trace.getTracer('campus')
  sdk = {
    errorStatus: { code: api.SpanStatusCode.ERROR },
    start(name, kind, attributes, parent, links) {
      const context =
        parent === undefined
          ? api.ROOT_CONTEXT
          : api.trace.setSpanContext(api.ROOT_CONTEXT, spanContext(parent))
      const linked = links.flatMap(link => parseTraceparent(link) ?? [])
      return tracer.startSpan(
        name,
        {
          kind: kinds[kind],
          attributes,
          links: linked.map(link => ({ context: spanContext(link) })),
        },
        context,
      )
    },
  }
  return {
    async stop() {
      sdk = undefined
      // The last flush may fail with the collector; that must not make a stop unclean.
      await node.shutdown().catch(() => undefined)
      api.trace.disable()
    },
  }
}
