import { randomBytes } from 'node:crypto'
import { createRedis, type Redis } from '../data/redis.ts'
import type { Cleanup } from './cleanup.ts'
import { eventually } from './eventually.ts'
import { createTcpProxy, type TcpProxy } from './tcp-proxy.ts'

/** A connection to the Redis of the tests. */
export interface TestRedis {
  readonly redis: Redis
  /** Unique to this test: all tests share one server. */
  readonly namespace: string
  /** Between the connection and the server: it fails on demand. */
  readonly proxy: TcpProxy
}

/** Connects through a proxy to the Redis that the test command has started. */
export async function createTestRedis(t: Cleanup): Promise<TestRedis> {
  const url = process.env['REDIS_URL']
  if (url === undefined) throw new Error('Run the tests by `npm test`: it starts Redis.')
  const proxy = await createTcpProxy(t, url)
  const redis = createRedis(proxy.url)
  t.teardown(() => redis.disconnect())
  await eventually(() => redis.ping())
  return { redis, proxy, namespace: `test-${randomBytes(6).toString('hex')}` }
}
