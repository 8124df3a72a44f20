import assert from 'node:assert/strict'
import { createServer, type ServerResponse } from 'node:http'
import { revocationsTopic, topics } from '@campus/contracts/topics'
import { loadConfig } from '@campus/platform/process/config'
import { eventually } from '@campus/platform/testing/eventually'
import { createTestKafka } from '@campus/platform/testing/kafka'
import { listenOnLoopback } from '@campus/platform/testing/listen'
import { testTokens } from '@campus/platform/testing/tokens'
import { t as file, test } from 'tap'
import { Config } from '../config.ts'
import { buildService } from '../service.ts'

const path = '/v1/me/notifications/stream'
const tokens = await testTokens()
/** What the service behind the gateway answers to each stream that is open. */
const open = new Set<ServerResponse>()
const upstream = createServer((request, response) => {
  if (request.url === '/jwks.json') {
    response.setHeader('content-type', 'application/json').end(JSON.stringify(tokens.jwks))
  } else if (request.url === path) {
    open.add(response)
    response.once('close', () => open.delete(response))
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    response.write(`data: ${String(request.headers['last-event-id'])}\n\n`)
  } else response.end('{}')
})
const url = `http://127.0.0.1:${await listenOnLoopback(file, upstream)}`
const { brokers, topicPrefix } = await createTestKafka(
  file,
  topics.filter(({ name }) => name === revocationsTopic),
)

async function startGateway() {
  const service = buildService(
    loadConfig(Config, {
      PORT: '0',
      ADMIN_PORT: '0',
      KAFKA_BROKERS: brokers,
      KAFKA_TOPIC_PREFIX: topicPrefix,
      REDIS_URL: process.env['REDIS_URL'],
      JWKS_URL: `${url}/jwks.json`,
      LOG_LEVEL: 'silent',
      MAX_EVENT_LOOP_DELAY_MS: '0',
      USERS_URL: url,
      CATALOG_URL: url,
      ORDERS_URL: url,
      PAYMENTS_URL: url,
      NOTIFICATIONS_URL: url,
      UPSTREAM_TIMEOUT_MS: '2000',
    }),
  )
  await service.start()
  const address = service.app.server.address()
  const port = typeof address === 'object' ? address?.port : undefined
  return { base: `http://127.0.0.1:${port}`, stop: () => service.stop() }
}

const gateway = await startGateway()
file.teardown(() => gateway.stop())

/** Opens a stream and answers how to read its next piece. */
async function openStream(base: string, headers: Record<string, string> = {}) {
  const closing = new AbortController()
  const response = await fetch(`${base}${path}`, {
    headers: { ...tokens.bearer(), ...headers },
    signal: closing.signal,
  })
  const reader = response.body?.getReader()
  assert.ok(reader)
  return {
    status: response.status,
    close: () => closing.abort(),
    next: async () => {
      const { value, done } = await reader.read()
      return done ? undefined : new TextDecoder().decode(value)
    },
  }
}

test('each event of a stream passes at once, and Last-Event-ID reaches the service', async t => {
  const stream = await openStream(gateway.base, { 'last-event-id': '41' })
  t.equal(await stream.next(), 'data: 41\n\n', 'while the answer is not over')
  for (const response of open) response.write('data: more\n\n')
  t.equal(await stream.next(), 'data: more\n\n')
  stream.close()
  await eventually(() => assert.equal(open.size, 0, 'the service hears that its reader has gone'))
})

test('more streams than a service has connections for requests keep no request out', async t => {
  const streams = await Promise.all(
    Array.from({ length: 200 }, async () => openStream(gateway.base)),
  )
  t.ok(streams.every(({ status }) => status === 200))
  const headers = tokens.bearer()
  const response = await fetch(`${gateway.base}/v1/me/notifications`, { headers })
  t.equal(response.status, 200)
  for (const stream of streams) stream.close()
  await eventually(() => assert.equal(open.size, 0))
})

test('a stop of the gateway ends its streams in order and does not wait for their readers', async t => {
  const other = await startGateway()
  const stream = await openStream(other.base)
  t.equal(await stream.next(), 'data: undefined\n\n')
  const startedAt = performance.now()
  await other.stop()
  t.equal(await stream.next(), undefined, 'it ends as a whole answer does')
  t.ok(performance.now() - startedAt < 5_000)
})
