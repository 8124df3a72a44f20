import { createHash } from 'node:crypto'
import { Redis } from 'ioredis'

export type { Redis } from 'ioredis'

// Redis may vanish at any time. By default the client then queues commands for minutes; here a
// command that cannot be sent fails at once, and one that gets no answer fails after 200 ms.

/** Longest wait for one command. */
const commandTimeoutMs = 200

/**
 * Connects to Redis or Valkey and keeps reconnecting in silence, at most every 2 seconds.
 *
 * Nothing waits for it: a process starts, and answers, without Redis.
 */
export function createRedis(url: string): Redis {
  const redis = new Redis(url, {
    enableOfflineQueue: false,
    maxRetriesPerRequest: 1,
    commandTimeout: commandTimeoutMs,
    connectTimeout: 1_000,
    // A connection that has died without a word is found by the next command.
    keepAlive: 10_000,
    retryStrategy: attempts => Math.min(attempts * 100, 2_000),
  })
  // Every command reports its own failure; without a listener the client would print this one too.
  redis.on('error', () => undefined)
  return redis
}

/** A Lua script: it runs in one step, between the commands of everybody else. */
export interface RedisScript {
  run(redis: Redis, keys: readonly string[], args: readonly (string | number)[]): Promise<unknown>
}

/**
 * Prepares a script. The first run sends its text, later ones only its digest, so that a run is one
 * message in order with the commands around it; a server that was restarted gets the text again.
 */
export function defineScript(lua: string): RedisScript {
  const sha = createHash('sha1').update(lua).digest('hex')
  const known = new WeakSet<Redis>()
  return {
    async run(redis, keys, args) {
      if (!known.has(redis)) {
        known.add(redis)
        return redis.eval(lua, keys.length, ...keys, ...args)
      }
      try {
        return await redis.evalsha(sha, keys.length, ...keys, ...args)
      } catch (error) {
        if (!(error instanceof Error) || !error.message.startsWith('NOSCRIPT')) throw error
        return redis.eval(lua, keys.length, ...keys, ...args)
      }
    },
  }
}
