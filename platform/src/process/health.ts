import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Metrics } from './metrics.ts'

/** True when well; otherwise false or what is wrong, in words without addresses. */
export type HealthCheck = () => boolean | string | Promise<boolean | string>

/** What readiness is made of. */
export interface Health {
  /** Adds a part; its name is what `/readyz` shows while it is missing. */
  register(name: string, check: HealthCheck): void
  /** Answers the parts that are missing, by name; empty when ready. A check has 1 second. */
  missing(): Promise<Readonly<Record<string, string>>>
  /** From now on not ready, whatever the checks say: the process is about to stop. */
  drain(): void
  readonly isDraining: boolean
}

const checkTimeoutMs = 1_000

/** Readiness of a process that is not ready until each registered part says so. */
export function createHealth(): Health {
  const checks = new Map<string, HealthCheck>()
  let isDraining = false
  return {
    register(name, check) {
      checks.set(name, check)
    },
    async missing() {
      const parts = await Promise.all(
        [...checks].map(async ([name, check]) => [name, await problemOf(check)] as const),
      )
      const missing = Object.fromEntries(parts.filter(([, problem]) => problem !== ''))
      return isDraining ? { ...missing, process: 'stopping' } : missing
    },
    drain() {
      isDraining = true
    },
    get isDraining() {
      return isDraining
    },
  }
}

/** What is wrong with a part, '' when it is well. */
async function problemOf(check: HealthCheck): Promise<string> {
  const late = Promise.withResolvers<string>()
  const timer = setTimeout(late.resolve, checkTimeoutMs, 'no answer in time')
  try {
    const verdict = await Promise.race([check(), late.promise])
    if (typeof verdict === 'string') return verdict
    return verdict ? '' : 'down'
  } catch {
    // The message of a driver names hosts and users; the log has it, health does not.
    return 'down'
  } finally {
    clearTimeout(timer)
  }
}

/** Answers one path of the admin server. */
export type AdminHandler = (
  request: IncomingMessage,
  response: ServerResponse,
) => void | Promise<void>

/** A listening admin server. */
export interface AdminServer {
  /** `http://host:port`, with the port that was really taken. */
  readonly url: string
  readonly port: number
  stop(): Promise<void>
}

/**
 * Serves `/metrics`, `/livez` and `/readyz` on a port that is never public, and extra `routes` by
 * exact path; any other path is 404.
 *
 * It answers during overload and during the drain, because it shares nothing with the HTTP server.
 */
export async function startAdminServer(options: {
  readonly host: string
  readonly port: number
  readonly metrics: Metrics
  readonly health: Health
  readonly routes?: Readonly<Record<string, AdminHandler>>
}): Promise<AdminServer> {
  const { health, metrics } = options
  const routes = new Map<string, AdminHandler>([
    ...Object.entries(options.routes ?? {}),
    ['/livez', (_request, response) => sendJson(response, 200, { status: 'alive' })],
    ['/readyz', (_request, response) => sendReadiness(response, health)],
    [
      '/metrics',
      async (_request, response) => {
        response.setHeader('content-type', metrics.registry.contentType)
        response.end(await metrics.render())
      },
    ],
  ])

  const server = createServer({ requestTimeout: 10_000, headersTimeout: 5_000 })
  server.on('request', (request, response) => {
    void answer(routes, request, response)
  })
  server.listen(options.port, options.host)
  await once(server, 'listening')
  const port = boundPort(server.address())
  return {
    port,
    url: `http://${options.host}:${port}`,
    async stop() {
      const closed = once(server, 'close')
      server.close()
      server.closeAllConnections()
      await closed
    },
  }
}

async function answer(
  routes: ReadonlyMap<string, AdminHandler>,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const [path = '/'] = (request.url ?? '/').split('?')
  const handler = routes.get(path)
  try {
    if (handler === undefined) {
      sendProblem(response, { status: 404, code: 'request.not_found', title: 'Not found.' })
    } else await handler(request, response)
  } catch {
    if (response.headersSent) response.destroy()
    else sendProblem(response, { status: 500, code: 'server.failed', title: 'The server failed.' })
  }
}

async function sendReadiness(response: ServerResponse, health: Health): Promise<void> {
  const missing = await health.missing()
  if (Object.keys(missing).length === 0) sendJson(response, 200, { status: 'ready' })
  else {
    sendProblem(response, {
      status: 503,
      code: 'server.dependency_down',
      title: 'Not ready.',
      missing,
    })
  }
}

/** Sends a JSON answer of an admin route. */
export function sendJson(response: ServerResponse, status: number, body: unknown): void {
  response.statusCode = status
  response.setHeader('content-type', 'application/json')
  response.end(JSON.stringify(body))
}

function sendProblem(
  response: ServerResponse,
  problem: { readonly status: number; readonly code: string; readonly [member: string]: unknown },
): void {
  response.statusCode = problem.status
  response.setHeader('content-type', 'application/problem+json')
  response.end(JSON.stringify(problem))
}

function boundPort(address: AddressInfo | string | null): number {
  if (address === null || typeof address === 'string') throw new TypeError('not a TCP server')
  return address.port
}
