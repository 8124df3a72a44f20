import { once } from 'node:events'
import { Agent, get, type IncomingMessage } from 'node:http'
import { setTimeout as delay } from 'node:timers/promises'
import { test } from 'tap'
import { quietParts } from '../testing/chassis-parts.ts'
import { createServer } from './server.ts'

test('a server that stops answers what comes over a kept connection a moment later, and ends it', async t => {
  const app = createServer({ service: 'test', ...quietParts() })
  app.register(async routes => {
    routes.get('/v1/ping', { config: { access: 'public' } }, async () => ({ pong: true }))
  })
  const url = await app.listen({ host: '127.0.0.1', port: 0 })
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  t.teardown(() => agent.destroy())
  async function ping() {
    const request = get(`${url}/v1/ping`, { agent })
    const [response]: IncomingMessage[] = await once(request, 'response')
    response?.resume()
    const { statusCode, headers } = response ?? {}
    return { statusCode, connection: headers?.connection, isReused: request.reusedSocket }
  }

  t.match(await ping(), { statusCode: 200, connection: 'keep-alive', isReused: false })
  const closing = app.close()
  await delay(100)
  t.match(await ping(), { statusCode: 200, connection: 'close', isReused: true })
  await closing
  await t.rejects(ping(), { code: 'ECONNREFUSED' })
})
