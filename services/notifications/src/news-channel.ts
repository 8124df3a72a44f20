import { SessionId, UserId } from '@campus/contracts/ids'
import { createRedis, type Redis } from '@campus/platform/data/redis'
import { type Static, Type } from 'typebox'
import { Check } from 'typebox/value'

// Hints between replicas by Redis pub/sub: they say that a look is worthwhile and carry no content.
// Whoever listens hears its own hints too, twice while Redis works and at once while it does not.

const channel = 'notifications:news'

const Hint = Type.Union([
  Type.Object({ userId: UserId, version: Type.Integer() }),
  Type.Object({ sid: SessionId }),
])
export type Hint = Static<typeof Hint>

/** Carries hints to every replica, this one included. None is sure to arrive. */
export interface NewsChannel {
  tell(hint: Hint): void
  start(): void
  stop(): void
}

/** Opens nothing before `start`. @param redis what hints are sent by */
export function createNewsChannel({
  redis,
  redisUrl,
  onHint,
}: {
  readonly redis: Redis
  readonly redisUrl: string
  readonly onHint: (hint: Hint) => void
}): NewsChannel {
  // A connection that listens can do nothing else.
  let listening: Redis | undefined

  function hear(text: string): void {
    try {
      const hint: unknown = JSON.parse(text)
      if (Check(Hint, hint)) onHint(hint)
    } catch {
      // Whoever else writes to the channel does not speak our language.
    }
  }

  return {
    tell(hint) {
      onHint(hint)
      redis.publish(channel, JSON.stringify(hint)).catch(() => undefined)
    },
    start() {
      listening = createRedis(redisUrl)
      listening.on('message', (_channel, text: string) => hear(text))
      // After each reconnection; until then the job that looks is enough.
      listening.on('ready', () => {
        listening?.subscribe(channel).catch(() => undefined)
      })
    },
    stop() {
      listening?.disconnect()
    },
  }
}
