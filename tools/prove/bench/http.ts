import { createPublicKey } from 'node:crypto'
import { createRedis } from '@campus/platform/data/redis'
import type { Cleanup } from '@campus/platform/testing/cleanup'
import { fastifyJwt } from '@fastify/jwt'
import { fastifyReplyFrom } from '@fastify/reply-from'
import autocannon from 'autocannon'
import { type FastifyInstance, fastify } from 'fastify'
import type { Mesh } from '../mesh.ts'
import { startReplica } from '../replica.ts'
import type { Figure } from './figure.ts'

const rounds = 5
const seconds = 3
const connections = 16
const path = '/v1/products/bench-mug'

/** What is asked, e.g. with a token. */
interface Target {
  readonly url: string
  readonly token?: string
}

/** Requests per second of each target, taken in turns, the median of the rounds. */
async function compare<Name extends string>(
  targets: Readonly<Record<Name, Target>>,
): Promise<(name: Name) => number> {
  const taken = new Map<string, number[]>()
  for (let round = 0; round < rounds; round += 1) {
    for (const [name, { url, token }] of Object.entries<Target>(targets)) {
      const headers = token === undefined ? {} : { authorization: `Bearer ${token}` }
      const { requests, non2xx } = await autocannon({
        url,
        headers,
        connections,
        duration: seconds,
      })
      if (non2xx > 0) throw new Error(`${url} refused ${non2xx} requests.`)
      taken.set(name, [...(taken.get(name) ?? []), requests.average])
    }
  }
  return name => {
    const values = taken.get(name)?.toSorted((a, b) => a - b) ?? []
    return values[Math.floor(values.length / 2)] ?? 0
  }
}

/** What Fastify does at least: nothing but an answer. */
function helloServer(): FastifyInstance {
  const app = fastify()
  app.get('/hello', async () => ({ hello: 'world' }))
  return app
}

/** What a proxy that checks tokens does at least. */
async function bareProxy(base: string, jwksUrl: string): Promise<FastifyInstance> {
  const { keys }: { keys: { [name: string]: string }[] } = JSON.parse(
    await (await fetch(jwksUrl)).text(),
  )
  const [key = {}] = keys
  const publicKey = createPublicKey({ key, format: 'jwk' }).export({ type: 'spki', format: 'pem' })
  const app = fastify()
  await app.register(fastifyJwt, {
    secret: { public: String(publicKey) },
    verify: { algorithms: ['EdDSA'] },
  })
  await app.register(fastifyReplyFrom, { base, disableRequestLogging: true })
  app.get('/*', {
    onRequest: async request => {
      await request.jwtVerify()
    },
    handler: (request, reply) => reply.from(request.url),
  })
  return app
}

/** What a read from a cache does at least: one value of Redis, sent as it is. */
function bareRedisRead(redis: ReturnType<typeof createRedis>, key: string): FastifyInstance {
  const app = fastify()
  app.get(path, async (_request, reply) =>
    reply.type('application/json').send(await redis.get(key)),
  )
  return app
}

/** The gateway and a product page, beside the same with as little as possible around it. */
export async function httpFigures(t: Cleanup, mesh: Mesh, catalogUrl: string): Promise<Figure[]> {
  const { gatewayUrl } = mesh.client
  const { token } = mesh.admin
  const key = 'bench:product'
  const redis = createRedis(mesh.env['REDIS_URL'] ?? '')
  await redis.set(key, await (await fetch(catalogUrl + path)).text())
  const { endpoints } = await mesh.status()
  const servers = [
    helloServer(),
    await bareProxy(catalogUrl, `${endpoints['users']}/.well-known/jwks.json`),
    bareRedisRead(redis, key),
  ]
  const [helloUrl = '', proxyUrl = '', redisUrl = ''] = await Promise.all(
    servers.map(server => server.listen({ host: '127.0.0.1', port: 0 })),
  )
  // The same proxy stands before Campus and before its raw limit.
  const second = await startReplica(t, mesh, 'gateway', {
    CAMPUS_GATEWAY_CATALOG_URL: redisUrl,
  })
  try {
    const rate = await compare({
      direct: { url: catalogUrl + path },
      gateway: { url: gatewayUrl + path, token },
      proxy: { url: proxyUrl + path, token },
      page: { url: gatewayUrl + path },
      redis: { url: second.url + path },
      version: { url: `${gatewayUrl}/version` },
      hello: { url: `${helloUrl}/hello` },
    })
    // What one request costs more on its way through, in microseconds.
    const hop = (through: number) => (1 / through - 1 / rate('direct')) * 1e6
    return [
      {
        name: 'gateway with a token: cost of the hop',
        unit: 'µs/request',
        campus: hop(rate('gateway')),
        limit: { name: 'bare reply-from with token check', value: hop(rate('proxy')) },
        ratio: { atMost: 1.5 },
      },
      {
        name: 'product page through the gateway',
        unit: 'requests/s',
        campus: rate('page'),
        limit: { name: 'bare Redis read behind the same gateway', value: rate('redis') },
        ratio: { atLeast: 0.6 },
      },
      {
        name: 'product page, catalog alone',
        unit: 'requests/s',
        campus: rate('direct'),
        limit: { name: 'bare Fastify hello', value: rate('hello') },
      },
      {
        name: 'answer of the gateway itself (/version)',
        unit: 'requests/s',
        campus: rate('version'),
        limit: { name: 'bare Fastify hello', value: rate('hello') },
      },
    ]
  } finally {
    await Promise.all([...servers.map(server => server.close()), second.stop()])
    redis.disconnect()
  }
}
