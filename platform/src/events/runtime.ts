import { setTimeout as delay } from 'node:timers/promises'
import type { Clock } from '../clock.ts'
import type { Postgres } from '../data/postgres.ts'
import type { Logger } from '../process/logger.ts'
import type { Metrics } from '../process/metrics.ts'
import type { ConsumerDefinition } from './consumer.ts'
import { createFetchHandler } from './group.ts'
import { type Hearing, hearingOf } from './hearing.ts'
import type { Kafka } from './kafka.ts'
import type { Consumption } from './kafka-consume.ts'
import { type ConsumerMeters, consumerMeters } from './meters.ts'
import { ConsumerRefused, type GroupPast, openPast } from './past.ts'
import { findRetries, redrive } from './redrive.ts'
import { createSolo } from './solo.ts'
import { createStops } from './stops.ts'

// The consumer runtime of a process: one Kafka group a service, and one for each consumer that declares
// its own. Beside the groups it repeats two small rounds: what operators and other replicas have decided
// about consumers, and parked keys that may be applied now.

const roundMs = 1_000
/** Between attempts to look at Kafka and Postgres before the first join. */
const openAgainMs = 1_000

export interface RuntimeOptions {
  readonly postgres: Postgres
  readonly kafka: Kafka
  readonly service: string
  readonly consumers: readonly ConsumerDefinition[]
  readonly clock: Clock
  readonly logger: Logger
  readonly metrics: Metrics
  /** Days for which the inbox remembers what was applied. */
  readonly inboxDays: number
  /** An event may take this long; a handler that does not settle by then is given up. */
  readonly eventMs?: number
  /** The process must end: it cannot consume any more. */
  readonly onCrash: (error: Error) => void
}

export interface Runtime {
  start(): void
  /** Finishes the sub-batches in work, commits, leaves the groups. */
  stop(): Promise<void>
  /** Whether the process is a member of its groups. */
  isRunning(): boolean
}

/** @see docs/events.md */
export function createRuntime(options: RuntimeOptions): Runtime {
  const { postgres, service, clock, logger, metrics, consumers, eventMs = 5_000 } = options
  const meters = consumerMeters(metrics, postgres)
  const stops = createStops(postgres, logger)
  const hearings = consumers.map(hearingOf)
  const groups = [...new Set(consumers.map(({ group }) => group))].map(name => {
    const own = hearings.filter(({ consumer }) => consumer.group === name)
    const group = `campus.${service}${name === undefined ? '' : `.${name}`}`
    return createGroup({ ...options, eventMs }, { group, hearings: own, meters, stops })
  })
  const stopping = new AbortController()
  let rounds: Promise<void> = Promise.resolve()

  async function round(): Promise<void> {
    await stops.refresh()
    for (const group of groups) await group.refresh()
    const names = consumers.map(({ name }) => name).filter(name => !stops.reasonOf(name))
    for (const key of await findRetries(postgres, names)) {
      if (stopping.signal.aborted) return
      const hearing = hearings.find(one => one.consumer.name === key.consumer)
      if (hearing === undefined) continue
      const outcome = await redrive({ postgres, clock, eventMs }, hearing, key)
      const { consumer } = key
      meters.redriven.inc({ consumer, outcome: outcome.kind })
      logger.info({ consumer, outcome }, 'parked key tried again')
    }
  }

  async function keepRounds(): Promise<void> {
    while (!stopping.signal.aborted) {
      await round().catch((error: unknown) => {
        logger.warn({ err: error }, 'parked keys and stops not looked at')
      })
      await delay(roundMs, undefined, { signal: stopping.signal }).catch(() => undefined)
    }
  }

  return {
    start() {
      if (consumers.length === 0) return
      for (const group of groups) group.start()
      rounds = keepRounds()
    },
    async stop() {
      stopping.abort()
      await Promise.all([...groups.map(group => group.stop()), rounds])
    },
    isRunning: () => groups.every(group => group.isRunning()),
  }
}

interface Group {
  start(): void
  stop(): Promise<void>
  isRunning(): boolean
  refresh(): Promise<void>
}

function createGroup(
  options: RuntimeOptions & { readonly eventMs: number },
  {
    group,
    hearings,
    meters,
    stops,
  }: {
    group: string
    hearings: readonly Hearing[]
    meters: ConsumerMeters
    stops: ReturnType<typeof createStops>
  },
): Group {
  const { postgres, kafka, clock, logger, eventMs } = options
  const consumers = hearings.map(({ consumer }) => consumer)
  let isStopping = false
  let past: GroupPast | undefined
  let consumption: Consumption | undefined
  let opening: Promise<void> = Promise.resolve()

  async function join(known: GroupPast): Promise<void> {
    const solo = createSolo(postgres, group)
    const deps = { postgres, clock, eventMs, past: known, logger, meters, stops, solo }
    consumption = await kafka.consume({
      group,
      topics: [...new Set(hearings.flatMap(({ topics }) => [...topics]))],
      onFetched: createFetchHandler(deps, hearings),
      onCrash: options.onCrash,
      onRebalance: () => meters.rebalances.inc(),
      onJoin: () => solo.forget(),
    })
  }

  async function open(): Promise<void> {
    while (!isStopping) {
      try {
        const asked = { postgres, kafka, clock, logger, group, consumers }
        // A member that joined before it knew its past could do harm, so nothing here is parallel.
        past = await openPast({ ...asked, inboxDays: options.inboxDays })
        await stops.refresh()
        if (!isStopping) await join(past)
        return
      } catch (error) {
        if (error instanceof ConsumerRefused) return options.onCrash(error)
        logger.warn({ err: error, group }, 'consumer group not opened yet')
        await delay(openAgainMs)
      }
    }
  }

  return {
    start() {
      opening = open()
    },
    async stop() {
      isStopping = true
      // Whoever still waits for a broker does not join any more once it answers.
      await Promise.race([opening, delay(openAgainMs, undefined, { ref: false })])
      await consumption?.stop()
    },
    isRunning: () => consumption?.isRunning() === true,
    refresh: async () => past?.refresh(),
  }
}
