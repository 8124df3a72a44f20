import type { ServerResponse } from 'node:http'
import type { FastifyInstance } from 'fastify'
import { AppError, chassis } from '../errors.ts'
import { type Flow, withFlow } from '../process/flow.ts'
import type { Metrics } from '../process/metrics.ts'
import { startSpan } from '../process/tracing.ts'
import { endConnectionsOnClose } from './drain.ts'
import { correlationIdOf, singleHeader } from './identity.ts'
import { safeHeaders } from './protocol.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** What the request is part of; the log and `emit` read it from `currentFlow()`. */
    flow: Flow
  }
  interface FastifyContextConfig {
    /** An event stream: it lasts as long as its reader, so it does not count as load. */
    longLived?: boolean
  }
}

/**
 * The life of every request: its ids, headers, flow, span and metric, and the count of requests in
 * flight, beyond which new ones are shed at once.
 *
 * One hook does all of it, because every hook is paid by every request.
 */
export function watchRequests(
  app: FastifyInstance,
  { metrics, maxInFlight }: { readonly metrics: Metrics; readonly maxInFlight: number },
): void {
  const seconds = metrics.histogram(
    'http_request_seconds',
    'Time from the first byte of a request to the last of its answer.',
    ['method', 'route', 'status'],
  )
  const inFlightGauge = metrics.gauge('http_requests_in_flight', 'Requests being answered now.')
  const shed = metrics.counter('http_requests_shed_total', 'Requests refused by overload.')
  // Finding a labelled child by its labels costs more than the observation.
  const children = new Map<string, { observe(value: number): void }>()
  const answering = new Set<ServerResponse>()
  let inFlight = 0

  function observe(method: string, route: string, status: number, startedAt: number): void {
    const key = `${method} ${route} ${status}`
    let child = children.get(key)
    if (child === undefined) {
      child = seconds.labels({ method, route, status: String(status) })
      children.set(key, child)
    }
    child.observe((performance.now() - startedAt) / 1_000)
  }

  app.decorateRequest('flow')
  app.addHook('onRequest', (request, reply, done) => {
    const startedAt = performance.now()
    const { id, method } = request
    const { config } = request.routeOptions
    // The template, never the path: labels and span names must be few.
    const route = request.is404 ? 'unmatched' : config.url
    const parent = singleHeader(request, 'traceparent')
    const span = startSpan(`${method} ${route}`, 'server', { 'http.route': route }, parent)
    const { traceparent } = span
    const correlationId = correlationIdOf(request) ?? id
    request.flow = { correlationId, causationId: id, actor: 'anonymous', traceparent }
    reply.headers({
      ...safeHeaders,
      'x-request-id': id,
      'trace-id': traceparent.slice(3, 35),
    })

    const load = config.longLived === true ? 0 : 1
    answering.add(reply.raw)
    inFlight += load
    inFlightGauge.set(inFlight)
    // `close` comes after the last byte and also when the client goes away before it.
    reply.raw.once('close', () => {
      answering.delete(reply.raw)
      inFlight -= load
      inFlightGauge.set(inFlight)
      const { statusCode } = reply.raw
      observe(method, route, statusCode, startedAt)
      span.end({
        attributes: { 'http.response.status_code': statusCode },
        ...(statusCode >= 500 && { error: statusCode }),
      })
    })

    if (inFlight > maxInFlight) {
      shed.inc()
      done(overloaded())
    } else withFlow(request.flow, done)
  })

  endConnectionsOnClose(app, answering)

  // The events of the body come from the socket, so its parser loses the flow; and the user is known
  // by now.
  app.addHook('preValidation', (request, _reply, done) => {
    withFlow(request.flow, done)
  })
}

/** The answer to a request that is shed; it takes no work, so it may be repeated soon. */
export function overloaded(): AppError {
  return new AppError([chassis.overloaded()], { headers: { 'retry-after': '1' } })
}
