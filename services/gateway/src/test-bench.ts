import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { text } from 'node:stream/consumers'
import { revocationsTopic, topics } from '@campus/contracts/topics'
import { loadConfig } from '@campus/platform/process/config'
import type { Cleanup } from '@campus/platform/testing/cleanup'
import { createTestKafka } from '@campus/platform/testing/kafka'
import { listenOnLoopback } from '@campus/platform/testing/listen'
import { type TestTokens, testTokens } from '@campus/platform/testing/tokens'
import { Config } from './config.ts'
import { buildService } from './service.ts'

/** A request as a service behind the gateway saw it. */
export interface Seen {
  readonly method: string | undefined
  readonly url: string | undefined
  readonly headers: IncomingMessage['headers']
  readonly body: string
}

/** Answers a request instead of the bench; false leaves it to the bench. */
export type Play = (request: IncomingMessage, response: ServerResponse, body: string) => boolean

/**
 * Starts a gateway in front of one server that plays all services, except payments, which is down.
 */
export async function open(
  t: Cleanup,
  settings: Record<string, string> = {},
  play: Play = () => false,
  ownTokens?: TestTokens,
) {
  const tokens = ownTokens ?? (await testTokens())
  const seen: Seen[] = []
  const echo = createServer((request, response) => {
    // A client that goes away in the middle of its body.
    answer(request, response).catch(() => response.destroy())
  })
  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (request.url === '/openapi.json') {
      response.setHeader('content-type', 'application/json')
      response.end(
        JSON.stringify({ openapi: '3.1.0', paths: { '/v1/products': {}, '/internal': {} } }),
      )
      return
    }
    const { method, url, headers } = request
    const body = await text(request)
    seen.push({ method, url, headers, body })
    if (play(request, response, body)) return
    if (url?.startsWith('/v1/products/slow') === true) return
    if (url?.startsWith('/v1/products/long') === true) {
      response.writeHead(200, { 'content-type': 'text/plain', 'content-length': '100000' })
      response.end('x'.repeat(100_000))
      return
    }
    if (url?.startsWith('/v1/products/broken') === true) {
      response.writeHead(200, { 'content-type': 'text/plain', 'content-length': '9', etag: '"1"' })
      response.write('half', () => response.destroy())
      return
    }
    if (url?.startsWith('/v1/products/none') === true) {
      response.writeHead(304, { etag: '"7"' }).end()
      return
    }
    response.writeHead(url?.startsWith('/v1/products/busy') === true ? 503 : 201, {
      'content-type': 'application/json',
      etag: '"7"',
      server: 'secret/1.0',
    })
    response.end('{"from":"upstream"}')
  }
  const issuer = createServer((_request, response) => {
    response.setHeader('content-type', 'application/json').end(JSON.stringify(tokens.jwks))
  })
  const [port, keys] = [await listenOnLoopback(t, echo), await listenOnLoopback(t, issuer)]
  const { brokers, topicPrefix } = await createTestKafka(
    t,
    topics.filter(({ name }) => name === revocationsTopic),
  )
  const url = `http://127.0.0.1:${port}`
  const config = loadConfig(Config, {
    PORT: '0',
    ADMIN_PORT: '0',
    KAFKA_BROKERS: brokers,
    KAFKA_TOPIC_PREFIX: topicPrefix,
    REDIS_URL: process.env['REDIS_URL'],
    JWKS_URL: `http://127.0.0.1:${keys}/jwks.json`,
    LOG_LEVEL: 'silent',
    MAX_EVENT_LOOP_DELAY_MS: '0',
    USERS_URL: url,
    CATALOG_URL: url,
    ORDERS_URL: url,
    PAYMENTS_URL: 'http://127.0.0.1:9',
    NOTIFICATIONS_URL: url,
    UPSTREAM_TIMEOUT_MS: '500',
    ...settings,
  })
  const service = buildService(config)
  await service.start()
  t.teardown(() => service.stop())
  const address = service.app.server.address()
  const own = typeof address === 'object' ? (address?.port ?? 0) : 0
  return { app: service.app, port: own, seen, tokens }
}
