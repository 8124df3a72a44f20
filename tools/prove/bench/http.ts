import { fastifyReplyFrom } from '@fastify/reply-from'
import autocannon from 'autocannon'
import { fastify } from 'fastify'
import type { Mesh } from '../mesh.ts'
import type { Figure } from './figure.ts'

const rounds = 3
const seconds = 3
const connections = 16

/** Requests per second of each address, taken in turns, the median of the rounds. */
async function compare(urls: Readonly<Record<string, string>>): Promise<Record<string, number>> {
  const taken: Record<string, number[]> = {}
  for (let round = 0; round < rounds; round += 1) {
    for (const [name, url] of Object.entries(urls)) {
      const { requests, non2xx } = await autocannon({ url, connections, duration: seconds })
      if (non2xx > 0) throw new Error(`${url} refused ${non2xx} requests.`)
      ;(taken[name] ??= []).push(requests.average)
    }
  }
  return Object.fromEntries(
    Object.entries(taken).map(([name, values]) => [
      name,
      values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0,
    ]),
  )
}

/** The gateway and a product page, beside a bare Fastify hello directly and behind a bare proxy. */
export async function httpFigures(mesh: Mesh, productUrl: string): Promise<Figure[]> {
  const hello = fastify()
  hello.get('/hello', async () => ({ hello: 'world' }))
  const helloUrl = await hello.listen({ host: '127.0.0.1', port: 0 })
  const proxy = fastify()
  await proxy.register(fastifyReplyFrom, { base: helloUrl, disableRequestLogging: true })
  proxy.get('/hello', (_request, reply) => reply.from('/hello'))
  const proxyUrl = await proxy.listen({ host: '127.0.0.1', port: 0 })
  try {
    const { version, product, direct, bareProxy, bare } = await compare({
      version: `${mesh.client.gatewayUrl}/version`,
      product: `${mesh.client.gatewayUrl}/v1/products/bench-mug`,
      direct: productUrl,
      bareProxy: `${proxyUrl}/hello`,
      bare: `${helloUrl}/hello`,
    })
    // What one request costs more when it passes a proxy, in microseconds.
    const hop = (through = 1, straight = 1) => (1 / through - 1 / straight) * 1e6
    return [
      {
        name: 'gateway: cost of the hop',
        unit: 'µs/request',
        campus: hop(product, direct),
        limit: { name: 'bare reply-from', value: hop(bareProxy, bare) },
      },
      {
        name: 'product page through the gateway',
        unit: 'requests/s',
        campus: product ?? 0,
        limit: { name: 'bare hello behind a bare proxy', value: bareProxy ?? 1 },
      },
      {
        name: 'product page, catalog alone',
        unit: 'requests/s',
        campus: direct ?? 0,
        limit: { name: 'bare Fastify hello', value: bare ?? 1 },
      },
      {
        name: 'answer of the gateway itself (/version)',
        unit: 'requests/s',
        campus: version ?? 0,
        limit: { name: 'bare Fastify hello', value: bare ?? 1 },
      },
    ]
  } finally {
    await Promise.all([proxy.close(), hello.close()])
  }
}
