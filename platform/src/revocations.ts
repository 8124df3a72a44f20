import { revocationsTopic } from '@campus/contracts/topics'
import { Type } from 'typebox'
import { Check } from 'typebox/value'
import type { Kafka } from './events/kafka.ts'
import type { Consumption } from './events/kafka-consume.ts'
import type { IncomingRecord } from './events/kafka-record.ts'
import type { Host } from './host.ts'
import { createRevocations, type TokenFacts } from './http/revocations.ts'

/** A start waits so long for the topic; a token lives 10 minutes, so the exposure is bounded. */
const catchUpMs = 10_000

const Value = Type.Object({
  sid: Type.Optional(Type.String()),
  userId: Type.String(),
  notBeforeAt: Type.String(),
  untilAt: Type.String(),
  cause: Type.String(),
})

/** The revoked sessions and users, read from their topic into memory and followed. */
export interface FollowedRevocations {
  isRevoked(token: TokenFacts): boolean
  /** Waits until what is on the topic has been read, at most 10 s. */
  start(): Promise<void>
  stop(): Promise<void>
}

/** @see docs/adr/0001-decisions.md */
export function followRevocations({
  kafka,
  clock,
  metrics,
  logger,
  crash,
}: Pick<Host, 'clock' | 'metrics' | 'logger' | 'crash'> & {
  readonly kafka: Kafka
}): FollowedRevocations {
  const revocations = createRevocations({ clock })
  let caughtUpAt: number | undefined
  let reading: Consumption | undefined
  const startedAt = performance.now()
  metrics.gauge(
    'auth_revocations_stale_seconds',
    'How long this process has not known the revoked tokens; 0 when it does.',
    [],
    gauge => {
      const isKnown = caughtUpAt !== undefined && reading?.isRunning() === true
      gauge.set(isKnown ? 0 : (performance.now() - startedAt) / 1_000)
    },
  )

  function onRecord({ key, value }: IncomingRecord): void {
    if (key === null) return
    try {
      const parsed: unknown = value === null ? null : JSON.parse(value.toString())
      if (parsed === null || Check(Value, parsed)) revocations.apply(key, parsed)
    } catch (error) {
      logger.warn({ err: error }, 'revocation not readable')
    }
  }

  return {
    isRevoked: token => revocations.isRevoked(token),
    async start() {
      const { promise: caughtUp, resolve } = Promise.withResolvers<void>()
      reading = await kafka.read({
        topic: revocationsTopic,
        onRecord,
        onCaughtUp: () => {
          caughtUpAt = performance.now()
          resolve()
        },
        onCrash: crash,
      })
      const timer = setTimeout(resolve, catchUpMs)
      await caughtUp
      clearTimeout(timer)
    },
    async stop() {
      await reading?.stop()
    },
  }
}
